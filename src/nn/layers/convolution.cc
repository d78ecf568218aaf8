#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "kindred/nn/precision.h"
#include "nn/contract/settings.h"
#include "nn/layers/convolution.h"
#include "nn/layers/weighted.h"

namespace kindred {
namespace {

class Convolution final : public WeightedLayer {
 public:
  Convolution(const FusedSpec& spec, const Source& src, const ConvolutionSettings& settings,
              Compiler& compiler)
      : WeightedLayer(spec, src, compiler), settings_(settings) {
    const Index C = src.shape.channels / settings_.groups;
    const Index K = settings_.kernel;
    const Index O = settings_.channels;
    numbers_.claim(spec, {O, C, K, K}, C * K * K, settings_.bias, compiler);
    const Shape dst = settings_.dst(src.shape);
    flops_ = 2.0 * static_cast<double>(dst.size() * C * K * K);

    dnnl::memory::dims weights{O, C, K, K};
    FormatTag plain = FormatTag::oihw;
    if (settings_.groups > 1) {
      weights = {settings_.groups, O / settings_.groups, C, K, K};
      plain = FormatTag::goihw;
    }
    weights_any_ = {weights, type_of(src.desc), FormatTag::any};
    gradient_any_ = {weights, kFloat32, FormatTag::any};
    shape_ = {{settings_.stride, settings_.stride},
              {settings_.padding, settings_.padding},
              {settings_.dilation - 1, settings_.dilation - 1}};
    const WeightedDescs chosen = choose(spec, src, dst, compiler);
    set_dst(dst, chosen.forward.dst_desc());
    compile(chosen, TensorDesc(weights, kFloat32, plain), compiler, own_gradient(chosen, compiler));
  }

 private:
  struct Candidate {
    TensorDesc src;
    TensorDesc dst;
  };

  /// float32: src as it comes, so that no reorder is needed, then what oneDNN likes, then
  /// channels-last. bfloat16: channels-last first. oneDNN 2.6.3's AMX kernels know no other layout,
  /// and those for AVX512_BF16 alone are as fast in it as in blocks (64 channels of 14x14, slice of
  /// 16, forward, backward data, backward weights, us: AMX 170 to 530, 180 to 640, 650 to 1,400;
  /// AVX512_BF16 channels-last 2,960, 2,890, 3,200; blocks 2,900, 3,500, 3,250).
  WeightedDescs choose(const FusedSpec& spec, const Source& src, const Shape& dst,
                       Compiler& compiler) const {
    const Index S = compiler.slice();
    const ElementType type = type_of(src.desc);
    const auto src_in = [&](FormatTag tag) { return tensor(S, src.shape, tag, type); };
    const auto dst_in = [&](FormatTag tag) { return tensor(S, dst, tag, type); };
    const TensorDesc any_dst = dst_in(FormatTag::any);
    const TensorDesc any_src = src_in(FormatTag::any);
    std::vector<Candidate> candidates;
    if (type == kBfloat16) {
      candidates.push_back({src_in(FormatTag::nhwc), dst_in(FormatTag::nhwc)});
    }
    candidates.push_back({src.desc, any_dst});
    candidates.push_back({any_src, any_dst});
    candidates.push_back({src_in(FormatTag::nhwc), dst_in(FormatTag::nhwc)});
    candidates.push_back({src_in(FormatTag::nchw), any_dst});
    return choose_from(candidates, [&](const Candidate& candidate) {
      return describe(candidate, spec, src.wants_diff, compiler);
    });
  }

  /// Our own gradient kernel where the chosen layouts suit it, else nullptr.
  std::unique_ptr<Bfloat16Gradient> own_gradient(const WeightedDescs& chosen,
                                                 const Compiler& compiler) const {
    const TensorDesc src = chosen.forward.query_md(dnnl::query::src_md);
    const TensorDesc dst = chosen.forward.query_md(dnnl::query::dst_md);
    const bool channels_last = has_layout(src, FormatTag::nhwc) && has_layout(dst, FormatTag::nhwc);
    if (!compiler.training() || type_of(src) != kBfloat16 || !channels_last || settings_.bias ||
        settings_.stride != 1 || settings_.dilation != 1 || !Bfloat16Gradient::available() ||
        !has_bfloat16() ||
        !Bfloat16Gradient::fits(src_shape(), dst_shape(), settings_.kernel, settings_.padding,
                                settings_.groups)) {
      return nullptr;
    }
    return std::make_unique<Bfloat16Gradient>(compiler.slice(), src_shape(), dst_shape(),
                                              settings_.kernel, has_amx());
  }

  WeightedDescs describe(const Candidate& candidate, const FusedSpec& spec, bool wants_diff,
                         Compiler& compiler) const {
    const auto attr = user_scratchpad();
    const auto& engine = compiler.engine();
    const bool training = compiler.training();
    constexpr auto kDirect = dnnl::algorithm::convolution_direct;
    const auto forward = compat::convolution_forward(
        engine, training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference,
        kDirect, candidate.src, weights_any_, bias_desc(), candidate.dst, shape_, fused_attr(spec));
    if (!has_known_layout(forward.dst_desc())) {
      throw dnnl::error(dnnl_unimplemented, "a dst that own loops cannot read");
    }
    WeightedDescs descs{forward, {}, {}};
    if (!training) return descs;
    const TensorDesc src = forward.src_desc();
    const TensorDesc dst = forward.dst_desc();
    descs.weights.emplace(compat::convolution_backward_weights(
        engine, kDirect, src, gradient_any_, bias_desc(), dst, shape_, attr, forward));
    if (wants_diff) {
      descs.data.emplace(compat::convolution_backward_data(engine, kDirect, src, weights_any_, dst,
                                                           shape_, attr, forward));
    }
    return descs;
  }

  ConvolutionSettings settings_;
  compat::ConvolutionShape shape_;
  TensorDesc weights_any_;
  TensorDesc gradient_any_;
};

Shape convolution_dst(const LayerSpec& spec, const Shape& src) {
  const auto settings = settings_of<ConvolutionSettings>(spec);
  const bool dilated = settings.dilation > 1;
  if (settings.padding >= settings.reach()) {
    misfit(spec, src,
           dilated
               ? fmt::format("padding {} must be less than the {} pixels that a kernel of {} "
                             "with dilation {} reaches over",
                             settings.padding, settings.reach(), settings.kernel, settings.dilation)
               : fmt::format("padding {} must be less than the kernel, {}", settings.padding,
                             settings.kernel));
  }
  if (src.channels % settings.groups != 0 || settings.channels % settings.groups != 0) {
    misfit(spec, src,
           fmt::format("groups = {} must divide the input's channels and channels = {}",
                       settings.groups, settings.channels));
  }
  if (std::min(src.height, src.width) + 2 * settings.padding < settings.reach()) {
    if (dilated) {
      misfit(spec, src,
             fmt::format("the kernel of {0} x {0} with dilation {1} reaches over {2} x {2} pixels "
                         "and does not fit even with padding {3}; use a smaller kernel, less "
                         "dilation, more padding or fewer pools before it",
                         settings.kernel, settings.dilation, settings.reach(), settings.padding));
    }
    misfit(spec, src,
           fmt::format("the kernel of {0} x {0} does not fit even with padding {1}; use a smaller "
                       "kernel, more padding or fewer pools before it",
                       settings.kernel, settings.padding));
  }
  return settings.dst(src);
}

}  // namespace

extern const LayerKind kConvolution;
const LayerKind kConvolution{
    "convolution",
    "slides kernels over an image (cross-correlation)",
    read_settings<ConvolutionSettings>,
    convolution_dst,
    [](const FusedSpec& spec, const Source& src, Compiler& compiler) -> std::unique_ptr<Layer> {
      const auto settings = settings_of<ConvolutionSettings>(*spec.layer);
      return std::make_unique<Convolution>(spec, src, settings, compiler);
    },
    [](const LayerSpec& spec, const Shape& src) {
      const auto settings = settings_of<ConvolutionSettings>(spec);
      const Shape dst = settings.dst(src);
      const double weights = static_cast<double>(settings.channels) *
                             static_cast<double>(src.channels / settings.groups) *
                             static_cast<double>(settings.kernel * settings.kernel);
      return LayerCost{weights + (settings.bias ? static_cast<double>(settings.channels) : 0),
                       weights * static_cast<double>(dst.height * dst.width)};
    }};

}  // namespace kindred
