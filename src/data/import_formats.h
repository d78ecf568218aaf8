#pragma once
#include "kindred/data/import.h"

namespace kindred {

/// The functions behind the rows of import_registry(), one pair a format.
bool detect_omniglot(std::span<const std::string> sources);
ImportReport import_omniglot(std::span<const std::string> sources, const std::string& out_path,
                             const ImportOptions& options);
bool detect_omniglot_oneshot(std::span<const std::string> sources);
ImportReport import_omniglot_oneshot(std::span<const std::string> sources,
                                     const std::string& out_path, const ImportOptions& options);

}  // namespace kindred
