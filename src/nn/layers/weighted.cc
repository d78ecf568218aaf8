#include "nn/layers/weighted.h"

#include <algorithm>

#include "kindred/core/time_scope.h"

namespace kindred {

/// One slice's calls of a layer with weights.
class BoundWeighted final : public BoundLayer {
 public:
  explicit BoundWeighted(const WeightedLayer& layer) : layer_(layer) {
    const dnnl::engine& engine = layer.engine_;
    if (layer.copy_src_) {
      copied_src_ = Buffer<std::byte>(bytes_of(layer.used_src_));
      copy_src_ = Call(engine, layer.copy_src_);
      copy_src_.add(DNNL_ARG_FROM, layer.src_desc());
      copy_src_.add(DNNL_ARG_TO, layer.used_src_, copied_src_.data());
    }
    if (layer.copy_diff_src_) {
      copy_diff_src_ = Call(engine, layer.copy_diff_src_);
      copy_diff_src_.add(DNNL_ARG_FROM, layer.used_src_);
      copy_diff_src_.add(DNNL_ARG_TO, layer.src_desc());
    }
    if (layer.copy_diff_dst_) {
      copy_diff_dst_ = Call(engine, layer.copy_diff_dst_);
      copy_diff_dst_.add(DNNL_ARG_FROM, layer.used_dst_);
      copy_diff_dst_.add(DNNL_ARG_TO, layer.used_diff_dst_);
    }
    forward_ = Call(engine, layer.forward_);
    forward_.add(DNNL_ARG_SRC, layer.used_src_);
    forward_.add(DNNL_ARG_WEIGHTS, layer.weights_desc_, layer.weights_->data());
    if (layer.numbers_.has_bias()) {
      forward_.add(DNNL_ARG_BIAS, layer.bias_desc(), layer.numbers_.bias());
    }
    forward_.add(DNNL_ARG_DST, layer.used_dst_);
    if (layer.backward_weights_) {
      weights_ = Call(engine, layer.backward_weights_);
      weights_.add(DNNL_ARG_SRC, layer.used_src_);
      weights_.add(DNNL_ARG_DIFF_DST, layer.used_diff_dst_);
      weights_.add(DNNL_ARG_DIFF_WEIGHTS, layer.diff_weights_desc_);
      if (layer.numbers_.has_bias()) weights_.add(DNNL_ARG_DIFF_BIAS, layer.bias_desc());
    }
    if (layer.data_) {
      const auto& packed = layer.data_weights_ ? layer.data_weights_ : layer.weights_;
      data_ = Call(engine, layer.data_);
      data_.add(DNNL_ARG_DIFF_DST, layer.used_diff_dst_);
      data_.add(DNNL_ARG_WEIGHTS, layer.data_weights_desc_, packed->data());
      data_.add(DNNL_ARG_DIFF_SRC, layer.used_src_);
    }
  }

  void forward(const void* src, void* dst, LayerPass& run) override {
    src_ = src;
    if (copy_src_) {
      copy_src_.set(DNNL_ARG_FROM, src);
      copy_src_.run(run.scratch);
      src_ = copied_src_.data();
    }
    forward_.set(DNNL_ARG_SRC, src_);
    forward_.set(DNNL_ARG_DST, dst);
    forward_.run(run.scratch);
    layer_.behind_.run(layer_, dst, run);
  }

  void backward(const void* diff_dst, void* diff_src, LayerPass& run) override {
    ScratchFrame frame(run.scratch);
    if (copy_diff_dst_) {
      void* copied = frame.take(bytes_of(layer_.used_diff_dst_));
      copy_diff_dst_.set(DNNL_ARG_FROM, diff_dst);
      copy_diff_dst_.set(DNNL_ARG_TO, copied);
      copy_diff_dst_.run(run.scratch);
      diff_dst = copied;
    }
    backward_weights(diff_dst, run);
    if (diff_src != nullptr) backward_data(diff_dst, diff_src, run);
  }

 private:
  void backward_data(const void* diff_dst, void* diff_src, LayerPass& run) {
    ScratchFrame frame(run.scratch);
    void* computed = copy_diff_src_ ? frame.take(bytes_of(layer_.used_src_)) : diff_src;
    data_.set(DNNL_ARG_DIFF_DST, diff_dst);
    data_.set(DNNL_ARG_DIFF_SRC, computed);
    data_.run(run.scratch);
    if (!copy_diff_src_) return;
    copy_diff_src_.set(DNNL_ARG_FROM, computed);
    copy_diff_src_.set(DNNL_ARG_TO, diff_src);
    copy_diff_src_.run(run.scratch);
  }

  void backward_weights(const void* diff_dst, LayerPass& run) {
    const TimeScope time(run.time(layer_, &LayerTime::backward_weights));
    const bool accumulate = run.accumulate == Accumulate::yes;
    const auto compute = [&](float* diff_weights) {
      if (layer_.own_gradient_) return own_gradient(diff_dst, diff_weights, run);
      weights_.set(DNNL_ARG_SRC, src_);
      weights_.set(DNNL_ARG_DIFF_DST, diff_dst);
      weights_.set(DNNL_ARG_DIFF_WEIGHTS, diff_weights);
      if (!layer_.numbers_.has_bias()) return weights_.run(run.scratch);
      write_gradient(run.gradient + layer_.bias_gradient_, layer_.numbers_.channels(), accumulate,
                     run.scratch, [&](float* diff_bias) {
                       weights_.set(DNNL_ARG_DIFF_BIAS, diff_bias);
                       weights_.run(run.scratch);
                     });
    };
    write_gradient(run.gradient + layer_.gradient_, elements_of(layer_.diff_weights_desc_),
                   accumulate, run.scratch, compute);
  }

  void own_gradient(const void* diff_dst, float* diff_weights, LayerPass& run) {
    ScratchFrame frame(run.scratch);
    void* scratch = frame.take(layer_.own_gradient_->scratch_bytes());
    layer_.own_gradient_->run(static_cast<const Bfloat16*>(src_),
                              static_cast<const Bfloat16*>(diff_dst), scratch, diff_weights);
  }

  const WeightedLayer& layer_;
  const void* src_ = nullptr;  // what backward weights reads
  Buffer<std::byte> copied_src_;
  Call copy_src_, copy_diff_src_, copy_diff_dst_, forward_, weights_, data_;
};

bool WeightedDescs::has_ref() const {
  const auto is_ref = [](const dnnl::primitive_desc_base& desc) {
    return std::string_view(desc.impl_info_str()).starts_with("ref");
  };
  return is_ref(forward) || (data && is_ref(*data)) || (weights && is_ref(*weights));
}

WeightedLayer::WeightedLayer(const FusedSpec& spec, const Source& src, Compiler& compiler)
    : Layer(spec.name(), spec.kind()), engine_(compiler.engine()) {
  set_src(src.shape, src.desc);
}

std::unique_ptr<BoundLayer> WeightedLayer::bind() const {
  return std::make_unique<BoundWeighted>(*this);
}

Index WeightedLayer::scratch_bytes() const {
  const auto pad = [](const Primitive& primitive) {
    return primitive ? ScratchFrame::cost(primitive.scratchpad_bytes()) : 0;
  };
  const Index forward = std::max(pad(forward_), pad(copy_src_));
  Index data = std::max(pad(data_), pad(copy_diff_src_));
  if (copy_diff_src_) data += ScratchFrame::cost(bytes_of(used_src_));
  Index weights = pad(backward_weights_);
  if (own_gradient_) weights = ScratchFrame::cost(own_gradient_->scratch_bytes());
  if (unpack_) {
    weights += ScratchFrame::cost(bytes_of(diff_weights_desc_)) +
               ScratchFrame::cost(numbers_.channels() * static_cast<Index>(sizeof(float)));
  }
  Index copied = 0;
  if (copy_diff_dst_) copied = ScratchFrame::cost(bytes_of(used_diff_dst_));
  return std::max({forward, copied + data, copied + weights, copied + pad(copy_diff_dst_)});
}

void WeightedLayer::compile(const WeightedDescs& descs, const TensorDesc& plain, Compiler& compiler,
                            std::unique_ptr<Bfloat16Gradient> own_gradient) {
  using dnnl::query;
  used_src_ = descs.forward.query_md(query::src_md);
  used_dst_ = descs.forward.query_md(query::dst_md);
  weights_desc_ = descs.forward.query_md(query::weights_md);
  forward_ = Primitive(descs.forward, owner("forward"));
  weights_ = std::make_unique<PackedWeights>(engine_, plain, weights_desc_, owner("weights"));
  if (descs.data) {
    data_ = Primitive(*descs.data, owner("backward data"));
    data_weights_desc_ = descs.data->query_md(query::weights_md);
    if (data_weights_desc_ != weights_desc_) {
      data_weights_ =
          std::make_unique<PackedWeights>(engine_, plain, data_weights_desc_, owner("weights"));
    }
  }
  own_gradient_ = std::move(own_gradient);
  if (own_gradient_) {
    used_diff_dst_ = used_dst_;
    diff_weights_desc_ = {compat::dims_of(plain), kFloat32, FormatTag::hwio};
  } else if (descs.weights) {
    backward_weights_ = Primitive(*descs.weights, owner("backward weights"));
    diff_weights_desc_ = descs.weights->query_md(query::diff_weights_md);
    used_diff_dst_ = descs.weights->query_md(query::diff_dst_md);
    if (used_diff_dst_ != used_dst_) {
      copy_diff_dst_ =
          make_reorder(engine_, used_dst_, used_diff_dst_, owner("reorder of diff_dst"));
    }
  }
  if (compiler.training()) {
    unpack_ = std::make_unique<Reorder>(engine_, diff_weights_desc_, plain, owner("gradient"));
    gradient_ = compiler.claim_gradient(elements_of(diff_weights_desc_));
    if (numbers_.has_bias()) bias_gradient_ = compiler.claim_gradient(numbers_.channels());
  }
  if (used_src_ != src_desc()) {
    copy_src_ = make_reorder(engine_, src_desc(), used_src_, owner("reorder of src"));
    if (data_) {
      copy_diff_src_ = make_reorder(engine_, used_src_, src_desc(), owner("reorder of diff_src"));
    }
  }
  if (!compat::has_post_op(numbers_.activation().kind)) {
    behind_ = ActivationPass(numbers_.activation(), compiler.slice(), dst_shape(), dst_desc());
  }
  compiler.add_leaf(*this);
}

void WeightedLayer::pack(std::span<const float> parameters) {
  const float* weights = numbers_.prepare(parameters);
  weights_->pack(weights);
  if (data_weights_) data_weights_->pack(weights);
}

void WeightedLayer::unpack_gradient(const float* row, std::span<float> gradient) {
  unpack_->run(row + gradient_, numbers_.weights().of(gradient).data());
  numbers_.unpack_bias(row + bias_gradient_, gradient);
}

std::string WeightedLayer::implementation() const {
  std::string text = forward_.implementation;
  if (data_) text += " / " + data_.implementation;
  if (backward_weights_) text += " / " + backward_weights_.implementation;
  if (own_gradient_) text += std::string(" / own loops on ") + own_gradient_->unit_name();
  if (copy_src_) text += " after " + copy_src_.implementation + " reorder";
  return text;
}

dnnl::primitive_attr fused_attr(const FusedSpec& spec) {
  dnnl::primitive_attr attr = user_scratchpad();
  if (spec.sum || compat::has_post_op(spec.activation().kind)) {
    dnnl::post_ops ops;
    if (spec.sum) ops.append_sum(1.0F);
    compat::append(ops, spec.activation());
    attr.set_post_ops(ops);
  }
  return attr;
}

}  // namespace kindred
