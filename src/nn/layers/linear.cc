#include "nn/layers/linear.h"

#include <vector>

#include "nn/contract/settings.h"
#include "nn/layers/weighted.h"

namespace kindred {
namespace {

/// dst = src weightsᵀ + bias.   src [S, F], weights [features, F], dst [S, features].
/// With a flatten before it src is the image; F then runs over channel, row, column, and the
/// weights are packed to match whatever layout the image has: nothing is moved.
class Linear final : public WeightedLayer {
 public:
  Linear(const FusedSpec& spec, const Source& src, Compiler& compiler)
      : WeightedLayer(spec, src, compiler), settings_(settings_of<LinearSettings>(*spec.layer)) {
    const Index F = src.shape.size();
    numbers_.claim(spec, {settings_.features, F}, F, settings_.bias, compiler);
    flops_ = 2.0 * static_cast<double>(F * settings_.features);
    const Shape dst{settings_.features, 1, 1};
    const WeightedDescs chosen = choose(spec, src, compiler);
    set_dst(dst, tensor(compiler.slice(), dst, FormatTag::nhwc, dst_type(spec, src)));
    compile(chosen, weights(src.shape, FormatTag::oihw, kFloat32), compiler);
  }

 private:
  TensorDesc weights(const Shape& src, FormatTag tag, ElementType type) const {
    return {{settings_.features, src.channels, src.height, src.width}, type, tag};
  }
  static ElementType dst_type(const FusedSpec& spec, const Source& src) {
    return spec.to_float32 ? kFloat32 : type_of(src.desc);
  }

  /// src as it comes, or plain where oneDNN has only `ref` for that.
  WeightedDescs choose(const FusedSpec& spec, const Source& src, Compiler& compiler) const {
    const TensorDesc candidates[] = {src.desc, with_layout(src.desc, FormatTag::nchw)};
    return choose_from(candidates, [&](const TensorDesc& candidate) {
      return describe(candidate, spec, src, compiler);
    });
  }

  WeightedDescs describe(const TensorDesc& src_desc, const FusedSpec& spec, const Source& src,
                         Compiler& compiler) const {
    const auto attr = user_scratchpad();
    const auto& engine = compiler.engine();
    const bool training = compiler.training();
    const TensorDesc any = weights(src.shape, FormatTag::any, type_of(src_desc));
    const TensorDesc any_gradient = weights(src.shape, FormatTag::any, kFloat32);
    const auto matrix = [&](ElementType type) {
      return as_matrix(tensor(compiler.slice(), {settings_.features, 1, 1}, FormatTag::nhwc, type));
    };
    const TensorDesc dst = matrix(dst_type(spec, src));
    const TensorDesc diff_dst = matrix(type_of(src_desc));
    const auto forward = compat::inner_product_forward(
        engine, training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference,
        src_desc, any, bias_desc(), dst, fused_attr(spec));
    WeightedDescs descs{forward, {}, {}};
    if (!training) return descs;
    descs.weights.emplace(compat::inner_product_backward_weights(
        engine, src_desc, any_gradient, bias_desc(), diff_dst, attr, forward));
    if (src.wants_diff) {
      descs.data.emplace(
          compat::inner_product_backward_data(engine, src_desc, any, diff_dst, attr, forward));
    }
    return descs;
  }

  LinearSettings settings_;
};

Shape linear_dst(const LayerSpec& spec, const Shape& src) {
  if (src.height != 1 || src.width != 1) {
    misfit(spec, src, "it takes vectors; put a flatten or a global_average_pool before it");
  }
  return {settings_of<LinearSettings>(spec).features, 1, 1};
}

}  // namespace

extern const LayerKind kLinear;
const LayerKind kLinear{
    "linear",
    "every output is a weighted sum of all inputs",
    read_settings<LinearSettings>,
    linear_dst,
    [](const FusedSpec& spec, const Source& src, Compiler& compiler) -> std::unique_ptr<Layer> {
      return std::make_unique<Linear>(spec, src, compiler);
    },
    [](const LayerSpec& spec, const Shape& src) {
      const auto settings = settings_of<LinearSettings>(spec);
      const double weights = static_cast<double>(settings.features * src.channels);
      return LayerCost{weights + (settings.bias ? static_cast<double>(settings.features) : 0),
                       weights};
    }};

}  // namespace kindred
