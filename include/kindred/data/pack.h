#pragma once
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/data/dataset.h"
#include "kindred/data/work_observer.h"

namespace KINDRED_API kindred {

class ProcessGroup;

/// What was packed.
struct PackReport {
  Index samples = 0;
  Index classes = 0;
  Index bytes = 0;                    ///< of the samples
  std::vector<std::string> left_out;  ///< names in the source that are no part of a data set
  bool interrupted = false;           ///< nothing was written
};

/// Writes the data set `from` anew to `to`: samples ordered by label (those of a label as they
/// were), uncompressed and in one piece, everything else that belongs to them reordered alike,
/// pairs renumbered. What others wrote becomes ours. Labels and such are in memory, and `window`
/// bytes of samples, which are gathered and written together: a source of several windows in no
/// order is read as often. Equal bytes for any window and number of threads (0: all the process may
/// use). Written beside and renamed; another process that writes `to` meanwhile is told so. Fails
/// with no_input, data, usage (the same file), cannot_create or io. Ranks of a `group` share the
/// reading out, a part of each window each; rank 0 alone writes and knows what was left out.
PackReport pack_dataset(const std::string& from, const std::string& to, const DatasetNames& names,
                        int threads, WorkObserver* observer = nullptr,
                        Index window = Index{1} << 30, ProcessGroup* group = nullptr);

}  // namespace kindred
