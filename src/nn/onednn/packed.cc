#include "nn/onednn/packed.h"

#include <cstring>

#include "nn/kernels/elementwise_kernels.h"

namespace kindred {

Reorder::Reorder(const dnnl::engine& engine, const TensorDesc& from, const TensorDesc& to,
                 const std::string& owner)
    : primitive_(std::make_unique<Primitive>()) {
  if (from == to) {
    bytes_ = bytes_of(from);
    primitive_->implementation = "copy";
    return;
  }
  *primitive_ = make_reorder(engine, from, to, owner);
  scratch_ =
      std::make_unique<ScratchStack>(engine, ScratchFrame::cost(primitive_->scratchpad_bytes()));
  call_ = Call(engine, *primitive_);
  call_.add(DNNL_ARG_FROM, from);
  call_.add(DNNL_ARG_TO, to);
}

void Reorder::run(const void* from, void* to) {
  if (bytes_ > 0) {
    std::memcpy(to, from, static_cast<std::size_t>(bytes_));
    return;
  }
  call_.set(DNNL_ARG_FROM, from);
  call_.set(DNNL_ARG_TO, to);
  call_.run(*scratch_);
}

void add(std::span<const float> from, float* to) {
  kernels<ElementwiseKernels<float>>().add(to, from.data(), static_cast<Index>(from.size()), to);
}

}  // namespace kindred
