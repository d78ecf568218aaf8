#include "kindred/train/open_reader.h"

#include <algorithm>

namespace kindred {

std::unique_ptr<Reader> open_reader(const Setup& setup, Index first_step, int threads) {
  constexpr int kMost = 4;  // as many as the batches read ahead
  return std::make_unique<Reader>(*setup.dataset, setup.set, *setup.sampler, first_step,
                                  Reader::kAhead,
                                  setup.dataset->in_memory() ? 1 : std::min(threads, kMost));
}

}  // namespace kindred
