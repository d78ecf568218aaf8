#include "together.h"

#include <memory>

#include "kindred/core/error.h"
#include "standard_streams.h"

namespace kindred::tools {

void together(FunctionRef<void(ProcessGroup& group)> work) {
  const std::unique_ptr<ProcessGroup> group = open_process_group();
  try {
    const MutedNotes muted(group->rank() != 0);
    work(*group);
    group->join();
    group->leave();
  } catch (const Error& error) {
    group->end_by(error);
    throw;
  }
}

}  // namespace kindred::tools
