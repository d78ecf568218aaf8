#pragma once
// The one place that knows that oneDNN 2.6 and 3.x are called differently. oneDNN's internals
// (`memory::desc.data`) are never touched; layouts are told apart by comparing descriptors.
#include <oneapi/dnnl/dnnl.hpp>

#include "kindred/core/index.h"
#include "nn/kernels/activation.h"

namespace kindred::compat {

using dnnl::algorithm;
using dnnl::engine;
using dnnl::memory;
using dnnl::primitive_attr;
using dnnl::prop_kind;

/// What a convolution is made of besides its tensors.
struct ConvolutionShape {
  memory::dims strides;
  memory::dims padding;
  memory::dims gaps;  ///< pixels between taps: oneDNN's dilation, 0 for none
};

/// `bias` and `diff_bias` may be zero descriptors: none.
inline auto convolution_forward(const engine& e, prop_kind kind, algorithm algorithm,
                                const memory::desc& src, const memory::desc& weights,
                                const memory::desc& bias, const memory::desc& dst,
                                const ConvolutionShape& shape, const primitive_attr& attr) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl::convolution_forward::primitive_desc(e, kind, algorithm, src, weights, bias, dst,
                                                   shape.strides, shape.gaps, shape.padding,
                                                   shape.padding, attr);
#else
  return dnnl::convolution_forward::primitive_desc(
      {kind, algorithm, src, weights, bias, dst, shape.strides, shape.gaps, shape.padding,
       shape.padding},
      attr, e);
#endif
}

inline auto convolution_backward_data(const engine& e, algorithm algorithm,
                                      const memory::desc& diff_src, const memory::desc& weights,
                                      const memory::desc& diff_dst, const ConvolutionShape& shape,
                                      const primitive_attr& attr,
                                      const dnnl::convolution_forward::primitive_desc& forward) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl::convolution_backward_data::primitive_desc(e, algorithm, diff_src, weights, diff_dst,
                                                         shape.strides, shape.gaps, shape.padding,
                                                         shape.padding, forward, attr);
#else
  return dnnl::convolution_backward_data::primitive_desc(
      {algorithm, diff_src, weights, diff_dst, shape.strides, shape.gaps, shape.padding,
       shape.padding},
      attr, e, forward);
#endif
}

inline auto convolution_backward_weights(const engine& e, algorithm algorithm,
                                         const memory::desc& src, const memory::desc& diff_weights,
                                         const memory::desc& diff_bias,
                                         const memory::desc& diff_dst,
                                         const ConvolutionShape& shape, const primitive_attr& attr,
                                         const dnnl::convolution_forward::primitive_desc& forward) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl::convolution_backward_weights::primitive_desc(
      e, algorithm, src, diff_weights, diff_bias, diff_dst, shape.strides, shape.gaps,
      shape.padding, shape.padding, forward, attr);
#else
  return dnnl::convolution_backward_weights::primitive_desc(
      {algorithm, src, diff_weights, diff_bias, diff_dst, shape.strides, shape.gaps, shape.padding,
       shape.padding},
      attr, e, forward);
#endif
}

inline auto inner_product_forward(const engine& e, prop_kind kind, const memory::desc& src,
                                  const memory::desc& weights, const memory::desc& bias,
                                  const memory::desc& dst, const primitive_attr& attr) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl::inner_product_forward::primitive_desc(e, kind, src, weights, bias, dst, attr);
#else
  return dnnl::inner_product_forward::primitive_desc({kind, src, weights, bias, dst}, attr, e);
#endif
}

inline auto inner_product_backward_data(
    const engine& e, const memory::desc& diff_src, const memory::desc& weights,
    const memory::desc& diff_dst, const primitive_attr& attr,
    const dnnl::inner_product_forward::primitive_desc& forward) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl::inner_product_backward_data::primitive_desc(e, diff_src, weights, diff_dst, forward,
                                                           attr);
#else
  return dnnl::inner_product_backward_data::primitive_desc({diff_src, weights, diff_dst}, attr, e,
                                                           forward);
#endif
}

inline auto inner_product_backward_weights(
    const engine& e, const memory::desc& src, const memory::desc& diff_weights,
    const memory::desc& diff_bias, const memory::desc& diff_dst, const primitive_attr& attr,
    const dnnl::inner_product_forward::primitive_desc& forward) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl::inner_product_backward_weights::primitive_desc(e, src, diff_weights, diff_bias,
                                                              diff_dst, forward, attr);
#else
  return dnnl::inner_product_backward_weights::primitive_desc(
      {src, diff_weights, diff_bias, diff_dst}, attr, e, forward);
#endif
}

/// PReLU is none of them: oneDNN 2.6.3 has its post-op in `ref` alone.
inline bool has_post_op(ActivationKind kind) {
  return kind != ActivationKind::none && kind != ActivationKind::prelu;
}

inline void append(dnnl::post_ops& ops, Activation activation) {
  const auto eltwise = [&](algorithm what, float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
    ops.append_eltwise(what, alpha, beta);
#else
    ops.append_eltwise(1.0F, what, alpha, beta);
#endif
  };
  switch (activation.kind) {
    case ActivationKind::none:
    case ActivationKind::prelu: return;
    case ActivationKind::relu: return eltwise(algorithm::eltwise_relu, 0.0F, 0.0F);
    case ActivationKind::relu6: return eltwise(algorithm::eltwise_clip, 0.0F, 6.0F);
    // 3.x: x max(0, min(1, alpha x + beta)); 2.x takes no numbers.
    case ActivationKind::hard_swish:
      return eltwise(algorithm::eltwise_hardswish, DNNL_VERSION_MAJOR >= 3 ? 1.0F / 6 : 0.0F,
                     DNNL_VERSION_MAJOR >= 3 ? 0.5F : 0.0F);
    case ActivationKind::swish: return eltwise(algorithm::eltwise_swish, 1.0F, 0.0F);
  }
}

inline memory::dims dims_of(const memory::desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
  return desc.get_dims();
#else
  return desc.dims();
#endif
}

inline memory::data_type type_of(const memory::desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
  return desc.get_data_type();
#else
  return desc.data_type();
#endif
}

/// Points a memory object somewhere else. On 2.x this writes zeros where the layout has padding.
inline dnnl_status_t set_handle(dnnl_memory_t object, void* handle) {
  return dnnl_memory_set_data_handle(object, handle);
}

}  // namespace kindred::compat
