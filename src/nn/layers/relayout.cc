#include "nn/layers/relayout.h"

#include <algorithm>

namespace kindred {

class BoundRelayout final : public BoundLayer {
 public:
  explicit BoundRelayout(const Relayout& layer)
      : forward_(layer.engine_, layer.forward_), backward_(layer.engine_, layer.backward_) {
    forward_.add(DNNL_ARG_FROM, layer.src_desc());
    forward_.add(DNNL_ARG_TO, layer.copied_);
    backward_.add(DNNL_ARG_FROM, layer.copied_);
    backward_.add(DNNL_ARG_TO, layer.src_desc());
  }
  void forward(const void* src, void* dst, LayerPass& run) override {
    copy(forward_, src, dst, run);
  }
  void backward(const void* diff_dst, void* diff_src, LayerPass& run) override {
    if (diff_src != nullptr) copy(backward_, diff_dst, diff_src, run);
  }

 private:
  static void copy(Call& call, const void* from, void* to, LayerPass& run) {
    call.set(DNNL_ARG_FROM, from);
    call.set(DNNL_ARG_TO, to);
    call.run(run.scratch);
  }
  Call forward_;
  Call backward_;
};

Relayout::Relayout(std::string name, std::string kind, const dnnl::engine& engine,
                   const Shape& src_shape, const TensorDesc& src, const TensorDesc& copied,
                   const Shape& dst_shape, const TensorDesc& dst)
    : Layer(std::move(name), std::move(kind)), engine_(engine), copied_(copied) {
  set_src(src_shape, src);
  set_dst(dst_shape, dst);
  const std::string owner = this->kind() + " '" + this->name() + "'";
  forward_ = make_reorder(engine, src, copied, owner);
  backward_ = make_reorder(engine, copied, src, owner);
}

std::unique_ptr<BoundLayer> Relayout::bind() const {
  return std::make_unique<BoundRelayout>(*this);
}

Index Relayout::scratch_bytes() const {
  return ScratchFrame::cost(std::max(forward_.scratchpad_bytes(), backward_.scratchpad_bytes()));
}

}  // namespace kindred
