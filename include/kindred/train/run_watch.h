#pragma once
#include <memory>
#include <string>

#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

enum class RunState {
  running,
  stopped,  ///< its process is no more, and it did not end: it may be resumed
  ended,
};

/// Follows a run folder while another process trains in it: reads what is appended to its log, and
/// looks at the newest model with a few validation samples, at a fiftieth of the time at most.
/// Nothing is written, nothing waits for it. Thread-safe.
class RunWatch {
 public:
  /// Fails with no_input where the folder holds no run.
  explicit RunWatch(const std::string& folder);
  ~RunWatch();

  /// The page of the run as it is now, which asks for what live() gives under "live?have=GALLERY".
  std::string page();
  /// What has changed, as JSON: "state", "step", "gallery", "run" (as in the page's data), and
  /// "report" where the newest gallery is not `have`.
  std::string live(Index have);
  RunState state() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kindred
