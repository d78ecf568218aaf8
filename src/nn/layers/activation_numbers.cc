#include "nn/layers/activation_numbers.h"

#include <algorithm>

#include "nn/contract/fuse.h"
#include "nn/contract/settings.h"
#include "nn/kernels/elementwise_kernels.h"

namespace kindred {

ActivationNumbers::ActivationNumbers(const LayerSpec* spec, Index channels, Compiler& compiler) {
  if (spec == nullptr) return;
  activation_ = activation_of(*spec);
  if (activation_.kind != ActivationKind::prelu) return;
  constexpr Index kWidest = 16;  // channels of a block
  const auto slope = static_cast<float>(settings_of<PreluSettings>(*spec).slope);
  range_ = compiler.parameter(spec->name + ".slope", {channels}, false, {0, slope});
  slopes_ = Buffer<float>(round_up(channels, kWidest));
  activation_.slopes = slopes_.data();
}

void ActivationNumbers::pack(std::span<const float> parameters) {
  if (has_slopes()) std::ranges::copy(range_.of(parameters), slopes_.data());
}

void ActivationNumbers::unpack_gradient(const float* row, std::span<float> gradient) const {
  if (has_slopes()) std::copy_n(row, range_.size, range_.of(gradient).data());
}

ActivationPass::ActivationPass(const Activation& activation, Index S, const Shape& shape,
                               const TensorDesc& desc)
    : activation_(activation), is_bfloat16_(type_of(desc) == kBfloat16) {
  if (!activation) return;
  size_ = elements_of(desc);
  if (activation.kind == ActivationKind::prelu) {
    prelu_.x = channel_layout(S, shape, layout_of(desc));
  }
}

template <typename T>
void ActivationPass::run(const Layer& layer, const T* x, T* y, const LayerPass& run) const {
  if (!activation_) return;
  if (activation_.kind != ActivationKind::prelu) {
    return kernels<ElementwiseKernels<T>>().activate(activation_, x, size_, y);
  }
  const PreluKernels<T>& loops = kernels<PreluKernels<T>>();
  run.share(layer, Work::forward, loops.parts(prelu_), [&](Index part, ScratchStack&) {
    loops.forward(prelu_, part, x, activation_.slopes, y);
  });
}

template void ActivationPass::run(const Layer&, const float*, float*, const LayerPass&) const;
template void ActivationPass::run(const Layer&, const Bfloat16*, Bfloat16*, const LayerPass&) const;

void ActivationPass::run(const Layer& layer, void* tensor, const LayerPass& pass) const {
  if (is_bfloat16_) {
    auto* numbers = static_cast<Bfloat16*>(tensor);
    run<Bfloat16>(layer, numbers, numbers, pass);
  } else {
    auto* numbers = static_cast<float*>(tensor);
    run<float>(layer, numbers, numbers, pass);
  }
}

}  // namespace kindred
