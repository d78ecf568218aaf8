#pragma once
#include <functional>

#include "kindred/core/process_group.h"
#include "kindred/train/run.h"

namespace kindred::tools {

/// What a rank other than 0 hears of its run: nothing but signals.
class HelpingProgress final : public RunObserver {
 public:
  bool stop_requested() override;
};

/// The run of a rank other than 0. What fails is told by rank 0, once, where the ranks have found
/// each other; the message names rank and host where it is not.
RunResult help(const ProcessGroup& group, const std::function<RunResult(RunObserver&)>& run);

}  // namespace kindred::tools
