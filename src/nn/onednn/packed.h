#pragma once
#include <memory>
#include <span>
#include <string>

#include "nn/onednn/primitive.h"
#include "nn/onednn/tensor.h"

namespace kindred {

/// Copies numbers from one layout to another, with memory of its own: for weights, outside slices.
/// One thread at a time.
class Reorder {
 public:
  Reorder(const dnnl::engine& engine, const TensorDesc& from, const TensorDesc& to,
          const std::string& owner);
  void run(const void* from, void* to);
  const std::string& implementation() const { return primitive_->implementation; }

 private:
  Index bytes_ = 0;  // > 0: the layouts agree
  std::unique_ptr<Primitive> primitive_;
  std::unique_ptr<ScratchStack> scratch_;
  Call call_;
};

/// Weights in a layout that a primitive reads, filled from the plain one.
class PackedWeights {
 public:
  PackedWeights(const dnnl::engine& engine, const TensorDesc& plain, const TensorDesc& packed,
                const std::string& owner)
      : reorder_(engine, plain, packed, owner), memory_(bytes_of(packed)) {}
  void pack(const float* plain) { reorder_.run(plain, memory_.data()); }
  const void* data() const { return memory_.data(); }

 private:
  Reorder reorder_;
  Buffer<std::byte> memory_;
};

/// to[i] += from[i]
void add(std::span<const float> from, float* to);

/// Lets `compute(destination)` write `size` floats of a gradient to its place in the row, or, to
/// accumulate, to scratch and from there onto the row.
template <typename F>
void write_gradient(float* place, Index size, bool accumulate, ScratchStack& scratch, F&& compute) {
  if (!accumulate) return compute(place);
  ScratchFrame frame(scratch);
  auto* fresh = static_cast<float*>(frame.take(size * static_cast<Index>(sizeof(float))));
  compute(fresh);
  add({fresh, static_cast<std::size_t>(size)}, place);
}

}  // namespace kindred
