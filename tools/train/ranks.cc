#include "train/ranks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "command.h"
#include "kindred/core/error.h"

namespace kindred::tools {

bool HelpingProgress::stop_requested() { return signal_received() != 0; }

RunResult help(const ProcessGroup& group, const std::function<RunResult(RunObserver&)>& run) {
  try {
    HelpingProgress observer;
    return run(observer);
  } catch (const Error& error) {
    std::array<char, 256> host{};
    const bool named = ::gethostname(host.data(), host.size() - 1) == 0;
    fail(error.kind(),
         fmt::format("rank {} on {}: {}", group.rank(), named ? host.data() : "?", error.what()));
  }
}

}  // namespace kindred::tools
