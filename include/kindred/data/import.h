#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/shape.h"
#include "kindred/data/preparation.h"
#include "kindred/data/work_observer.h"

namespace KINDRED_API kindred {

class ProcessGroup;

enum class ImportColour { as_first, grey, rgb };         ///< as_first: what the first image has
enum class ImportFolders { as_named, splits, classes };  ///< folders called train, test, ...
enum class ImportSplit { as_found, by_class, by_sample };

struct ImportOptions {
  std::string format =
      {};            ///< a name of import_registry(), or "": the first that knows the sources
  int threads = 0;   ///< 0: Workers::default_threads(); the output does not depend on it
  Extent size = {};  ///< images become so large; not given: as they are, all alike
  Extent crop = {};  ///< the piece in the middle that is kept, before `size`
  bool crop_square = false;  ///< the largest square in the middle is kept
  bool bicubic = false;      ///< images get larger by Catmull-Rom, not linearly
  ImportColour colour = ImportColour::as_first;
  std::vector<std::string> classes = {};  ///< patterns ("Greek/*"); empty: all
  /// Folders called as splits are: what nearly all images say, or splits, or classes like others.
  ImportFolders folders = ImportFolders::as_named;
  bool prefix_sources = false;  ///< classes are called SOURCE/CLASS: equal names stay apart
  std::string labels = {};      ///< the column of a list, or the array "NAME[:COLUMN]" of an .npz
  std::string negative_labels = {};  ///< as DatasetNames has it
  int bits = 16;                     ///< that pictures of 16 bits a channel use
  Index min_samples = 1;             ///< classes with fewer readable samples are left out
  /// Who is for validation and test: what the sources say, and shares drawn by `seed` of what they
  /// leave for training, of its classes or of the samples of each class.
  ImportSplit split = ImportSplit::as_found;
  double validation_share = 0;
  double test_share = 0;
  std::uint64_t seed = 1;
  Index chunk = 0;      ///< samples a chunk; 0: whole runs of a class, 64 KiB or more
  int gzip = -1;        ///< 0 (none) to 12 (slow and small); -1: the format's
  bool strict = false;  ///< an image that cannot be read is an error
  /// Lists of what is meant of each image (kindred/data/picture_regions.h); at most one of them.
  /// Images without a line are left out.
  std::string boxes = {};
  std::string landmarks = {};
  std::vector<std::string> also_written = {};  ///< beside the data set, later: none is a source
};

/// What an import made of its sources. Lists are in the order of the samples.
struct ImportReport {
  std::string format;
  Index samples = 0;
  Index classes = 0;
  Shape shape;
  Index bytes = 0;                      ///< of the file written
  std::array<Index, 3> of_split{};      ///< samples: train, validation, test
  Index pairs = 0;                      ///< of all lists
  std::vector<std::string> skipped;     ///< files that are no samples, with the reason
  std::vector<std::string> unreadable;  ///< images left out, with the reason
  std::vector<std::string> duplicates;  ///< samples with the pixels of an earlier one
  std::vector<std::string> notes;       ///< what else should be known
  bool interrupted = false;             ///< stopped as asked: nothing was written
};

/// Reads `sources` (files, folders, archives; nothing is extracted to disk) and writes a data set
/// (datasets/README.md) to `out_path`, beside and renamed. Equal sources give equal bytes. Images
/// that cannot be read are left out and listed. Fails with usage (unknown format, sources nobody
/// knows, options that do not fit), no_input, data, cannot_create or io; `out_path` is then as it
/// was. An `out_path` that exists is replaced only where it is empty or a data set of
/// Kindred's, and not a source (usage); while it is being made, other processes are kept away
/// (cannot_create). Ranks of a `group` share the decoding out; all read the sources, rank 0 alone
/// writes and knows the report. They meet when the pictures are decoded.
ImportReport import_dataset(std::span<const std::string> sources, const std::string& out_path,
                            const ImportOptions& options, WorkObserver* observer = nullptr,
                            ProcessGroup* group = nullptr);

/// Registry row.
struct ImportFormat {
  std::string_view name;
  std::string_view summary;
};
std::span<const ImportFormat> import_registry();

}  // namespace kindred
