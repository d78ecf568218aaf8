#include <chrono>
#include <thread>

#include "kindred/core/parallel.h"
#include "nn/network_impl.h"

namespace kindred {
namespace {

using Clock = std::chrono::steady_clock;

/// To a layer's time, and to that of the layers it is inside of; the share of the weights' gradient
/// is the layer's alone, as it is where nobody helps.
void add_time(LayerTime* times, const Layer& layer, Work work, Clock::duration taken) {
  const double seconds = std::chrono::duration<double>(taken).count();
  for (const Layer* at = &layer; at != nullptr; at = at->parent()) {
    LayerTime& time = times[at->number()];
    (work == Work::forward ? time.forward : time.backward) += seconds;
    if (work == Work::backward_weights && at == &layer) time.backward_weights += seconds;
  }
}

}  // namespace

void LayerPass::share(const Layer& layer, Work work, Index parts,
                      FunctionRef<void(Index, ScratchStack&)> body) const {
  if (pass.scratches.empty()) {
    for (Index part = 0; part < parts; ++part) body(part, scratch);
    return;
  }
  const std::thread::id owner = std::this_thread::get_id();
  const bool measured = scratch.times != nullptr;
  Clock::time_point last;
  Workers::share(parts, [&](Index part, int worker) {
    if (std::this_thread::get_id() == owner) {
      body(part, scratch);
      if (measured) last = Clock::now();
      return;
    }
    ScratchStack& lent = pass.scratches[static_cast<std::size_t>(worker)]->impl_->stack;
    const Clock::time_point begin = measured ? Clock::now() : Clock::time_point();
    body(part, lent);
    if (measured) add_time(lent.times, layer, work, Clock::now() - begin);
  });
  // Subtracts the time spent waiting for helpers, which the caller's TimeScope counts, too.
  if (measured) add_time(scratch.times, layer, work, last - Clock::now());
}

}  // namespace kindred
