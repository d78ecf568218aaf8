#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/shape.h"

namespace kindred {

struct ImportOptions {
  std::string format;  ///< a name of import_registry(), or "": the first that knows the sources
  int threads = 0;     ///< 0: Workers::default_threads(); the output does not depend on it
  Index size = 28;     ///< images become size x size (area filter)
};

/// What an import made of its sources.
struct ImportReport {
  std::string format;
  Index samples = 0;
  Index classes = 0;
  Shape shape;
  Index bytes = 0;                   ///< of the file written
  std::vector<std::string> skipped;  ///< files that are no samples, with the reason
};

/// Reads `sources` (files; nothing is extracted to disk) and writes a data set (datasets/README.md)
/// to `out_path`, beside and renamed. Equal sources give equal bytes. Fails with usage (unknown
/// format, sources nobody knows), no_input, data, cannot_create or io; `out_path` is then as it
/// was. An `out_path` that exists is replaced only where it is an HDF5 file and not a source.
ImportReport import_dataset(std::span<const std::string> sources, const std::string& out_path,
                            const ImportOptions& options);

/// Registry row.
struct ImportFormat {
  std::string_view name;
  std::string_view summary;
  /// True when the sources look like this format; reads their first names only. May fail.
  bool (*detect)(std::span<const std::string> sources);
  ImportReport (*import)(std::span<const std::string> sources, const std::string& out_path,
                         const ImportOptions& options);
};
std::span<const ImportFormat> import_registry();

}  // namespace kindred
