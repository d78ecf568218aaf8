#pragma once
#include <cassert>
#include <cstddef>

#include "kindred/core/buffer.h"
#include "kindred/core/index.h"
#include "kindred/nn/profile.h"
#include "nn/onednn/dnnl_compat.h"

namespace kindred {

/// Memory that a worker lends to whatever slice it runs: a stack, taken from by ScratchFrame.
/// Holds oneDNN's scratchpads, the diffs between layers and gradients on their way to a row.
class ScratchStack {
 public:
  ScratchStack(const dnnl::engine& engine, Index bytes) : stream_(engine), memory_(bytes) {}
  dnnl::stream& stream() { return stream_; }

  /// The worker's, [Network::layers()], or nullptr where nobody asks.
  LayerTime* times = nullptr;

 private:
  friend class ScratchFrame;
  dnnl::stream stream_;  // CPU streams run at once, in the caller
  Buffer<std::byte> memory_;
  Index used_ = 0;
};

/// Takes memory from a ScratchStack and gives it back at the end of its scope.
class ScratchFrame {
 public:
  explicit ScratchFrame(ScratchStack& scratch) : scratch_(scratch), mark_(scratch.used_) {}
  ~ScratchFrame() { scratch_.used_ = mark_; }
  ScratchFrame(const ScratchFrame&) = delete;
  ScratchFrame& operator=(const ScratchFrame&) = delete;

  /// What take() needs for `bytes`: layers add this up in scratch_bytes().
  static constexpr Index cost(Index bytes) { return round_up(bytes, kAlignment); }

  /// `bytes` bytes, 64-byte aligned, of unknown content. A layer that asks for more than its
  /// scratch_bytes() said is our own mistake.
  void* take(Index bytes) {
    if (scratch_.used_ + cost(bytes) > scratch_.memory_.size()) overflow(bytes);
    void* taken = scratch_.memory_.data() + scratch_.used_;
    scratch_.used_ += cost(bytes);
    return taken;
  }

 private:
  [[noreturn]] void overflow(Index bytes) const;
  ScratchStack& scratch_;
  Index mark_;
};

}  // namespace kindred
