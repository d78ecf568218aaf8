#pragma once
#include "kindred/core/parallel.h"

namespace kindred::python {

/// So many threads (0: as many as the process may use; see threads_for), the same ones for every
/// call that asks for as many: they live as long as the process. Calls may come at once. Wants the
/// GIL; fails with usage where `threads` is negative.
const Workers& shared_workers(int threads);

}  // namespace kindred::python
