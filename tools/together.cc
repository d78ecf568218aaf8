#include "together.h"

#include <exception>
#include <memory>
#include <new>

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
  } catch (const std::bad_alloc&) {
    group->end_by(Error(ErrorKind::system, "out of memory"));
    throw;
  } catch (const std::exception& error) {
    group->end_by(Error(ErrorKind::internal, error.what()));
    throw;
  }
}

}  // namespace kindred::tools
