#include "shared_workers.h"

#include <map>
#include <memory>

#include "bindings.h"

namespace kindred::python {

const Workers& shared_workers(int threads) {
  // Never destroyed: a fork's child must not wait for threads that did not come along.
  static auto& all = *new std::map<int, std::unique_ptr<const Workers>>;
  const int count = threads_for(threads);
  std::unique_ptr<const Workers>& own = all[count];
  if (!own) own = std::make_unique<const Workers>(count);
  return *own;
}

}  // namespace kindred::python
