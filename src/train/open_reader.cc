#include "kindred/train/open_reader.h"

#include <algorithm>

namespace kindred {

std::unique_ptr<Reader> open_reader(const Setup& setup, Index first_step, int threads) {
  return open_reader(setup, first_step, threads, {0, setup.batch()});
}

std::unique_ptr<Reader> open_reader(const Setup& setup, Index first_step, int threads,
                                    const BatchPart& part) {
  constexpr int kMost = 4;  // as many as the batches read ahead
  return std::make_unique<Reader>(*setup.dataset, setup.set, *setup.sampler, first_step,
                                  Reader::kAhead,
                                  setup.dataset->in_memory() ? 1 : std::min(threads, kMost), part);
}

}  // namespace kindred
