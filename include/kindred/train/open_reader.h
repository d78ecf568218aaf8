#pragma once
#include <memory>

#include "kindred/core/export.h"
#include "kindred/data/reader.h"
#include "kindred/train/setup.h"

namespace KINDRED_API kindred {

/// The reader of a setup's batches from `first_step` on, as training reads them: on one thread from
/// memory, on up to four of `threads` from a file. REQUIRES: setup outlives it.
std::unique_ptr<Reader> open_reader(const Setup& setup, Index first_step, int threads);
/// The same of a part of each batch.
std::unique_ptr<Reader> open_reader(const Setup& setup, Index first_step, int threads,
                                    const BatchPart& part);

}  // namespace kindred
