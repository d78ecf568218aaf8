#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "nn/contract/registry.h"
#include "nn/contract/settings.h"
#include "nn/kernels/elementwise_kernels.h"
#include "nn/layers/sequence.h"

namespace kindred {
namespace {

struct ResidualSettings {
  bool relu = true;

  Activation activation() const { return {relu ? ActivationKind::relu : ActivationKind::none}; }

  template <typename Reader>
  void read(Reader& reader) {
    reader("relu", relu, "a ReLU after the sum");
  }
};

/// dst = relu(body(src) + shortcut(src)), the shortcut being src itself where it has no layers.
/// Source: He et al. 2016, "Deep residual learning".
/// For inference the sum and the ReLU happen inside the body's last convolution, onto a dst that
/// holds the shortcut's result already.
class Residual final : public Layer {
 public:
  Residual(const FusedSpec& spec, const Source& src, Compiler& compiler)
      : Layer(spec.name(), spec.kind()),
        activation_(settings_of<ResidualSettings>(*spec.layer).activation()),
        training_(compiler.training()) {
    set_src(src.shape, src.desc);
    const NetworkMode mode = training_ ? NetworkMode::training : NetworkMode::inference;
    auto pieces = fuse(spec.layer->body, mode);
    const LayerSpec relu{"relu", name() + ".relu", {}, {}, {}};
    sums_inside_ = !training_ && pieces.back().layer->kind == "convolution" &&
                   pieces.back().nonlinear == nullptr;
    if (sums_inside_) {
      pieces.back().sum = true;
      if (activation_) pieces.back().nonlinear = &relu;
    }
    body_ = std::make_unique<Sequence>(name() + ".body", src, compiler);
    body_->append(pieces, compiler);
    set_dst(body_->dst_shape(), body_->dst_desc());
    const auto shortcut = fuse(spec.layer->shortcut, mode);
    if (!shortcut.empty() || src.desc != dst_desc()) {
      shortcut_ = std::make_unique<Sequence>(name() + ".shortcut", src, compiler);
      shortcut_->append(shortcut, compiler);
      shortcut_->convert(dst_desc(), compiler);
    }
    // Only where the convolution that adds does not read src itself.
    in_place_ = sums_inside_ && shortcut_ == nullptr && pieces.size() > 1;
  }

  std::unique_ptr<BoundLayer> bind() const override;
  bool in_place() const override { return in_place_; }
  bool keeps_dst() const override { return bool(activation_); }
  bool trainable() const override {
    return body_->trainable() || (shortcut_ && shortcut_->trainable());
  }
  Index scratch_bytes() const override {
    Index branches = body_->scratch_bytes();
    if (shortcut_) branches = std::max(branches, shortcut_->scratch_bytes());
    return branches + ScratchFrame::cost(bytes_of(dst_desc())) +
           std::max(ScratchFrame::cost(bytes_of(dst_desc())),
                    ScratchFrame::cost(bytes_of(src_desc())));
  }
  double flops() const override {
    return body_->flops() + (shortcut_ ? shortcut_->flops() : 0) +
           2.0 * static_cast<double>(dst_shape().size());
  }
  std::string implementation() const override {
    return sums_inside_ ? "sum in the last convolution" : "own loops";
  }
  std::vector<Layer*> children() const override {
    auto children = body_->children();
    if (shortcut_) std::ranges::copy(shortcut_->children(), std::back_inserter(children));
    return children;
  }

 private:
  template <typename T>
  friend class BoundResidual;
  Activation activation_;
  bool training_;
  bool sums_inside_ = false;
  bool in_place_ = false;
  std::unique_ptr<Sequence> body_;
  std::unique_ptr<Sequence> shortcut_;  // nullptr: src itself
};

template <typename T>
class BoundResidual final : public BoundLayer {
 public:
  explicit BoundResidual(const Residual& layer)
      : layer_(layer), body_(layer.body_->bind()), size_(elements_of(layer.dst_desc())) {
    if (layer.shortcut_) shortcut_ = layer.shortcut_->bind();
    // A branch whose backward reads its dst needs one of its own; else the sum is made in place.
    const Index bytes = bytes_of(layer.dst_desc());
    if (layer.training_ && layer.body_->keeps_dst()) body_dst_ = Buffer<std::byte>(bytes);
    if (layer.training_ && layer.shortcut_ && layer.shortcut_->keeps_dst()) {
      shortcut_dst_ = Buffer<std::byte>(bytes);
    }
  }

  void forward(const void* src, void* dst, LayerPass& run) override {
    dst_ = static_cast<const T*>(dst);
    const auto bytes = static_cast<std::size_t>(size_) * sizeof(T);
    if (layer_.sums_inside_) {
      if (shortcut_) {
        shortcut_->forward(src, dst, run);
      } else if (src != dst) {
        std::memcpy(dst, src, bytes);
      }
      return body_->forward(src, dst, run);
    }
    ScratchFrame frame(run.scratch);
    const void* beside = src;
    if (shortcut_) {
      void* to =
          shortcut_dst_.size() > 0 ? shortcut_dst_.data() : frame.take(bytes_of(layer_.dst_desc()));
      shortcut_->forward(src, to, run);
      beside = to;
    }
    void* branch = body_dst_.size() > 0 ? body_dst_.data() : dst;
    body_->forward(src, branch, run);
    kernels_.add_activated(layer_.activation_, static_cast<const T*>(branch),
                           static_cast<const T*>(beside), size_, static_cast<T*>(dst));
  }

  void backward(const void* diff_dst, void* diff_src, LayerPass& run) override {
    ScratchFrame frame(run.scratch);
    const auto* g = static_cast<const T*>(diff_dst);
    if (layer_.activation_) {
      auto* passed = static_cast<T*>(frame.take(bytes_of(layer_.dst_desc())));
      kernels_.activate_backward(layer_.activation_, g, dst_, size_, passed);
      g = passed;
    }
    body_->backward(g, diff_src, run);
    auto* dx = static_cast<T*>(diff_src);
    if (!shortcut_) {
      if (dx != nullptr) kernels_.add(g, dx, size_, dx);
      return;
    }
    if (dx == nullptr) return shortcut_->backward(g, nullptr, run);
    const Index bytes = bytes_of(layer_.src_desc());
    auto* beside = static_cast<T*>(frame.take(bytes));
    shortcut_->backward(g, beside, run);
    kernels_.add(beside, dx, elements_of(layer_.src_desc()), dx);
  }

 private:
  const Residual& layer_;
  const ElementwiseKernels<T>& kernels_ = kernels<ElementwiseKernels<T>>();
  std::unique_ptr<BoundLayer> body_;
  std::unique_ptr<BoundLayer> shortcut_;
  Buffer<std::byte> body_dst_;
  Buffer<std::byte> shortcut_dst_;
  Index size_;
  const T* dst_ = nullptr;
};

std::unique_ptr<BoundLayer> Residual::bind() const {
  return with_element(dst_desc(), [&]<typename T>() -> std::unique_ptr<BoundLayer> {
    return std::make_unique<BoundResidual<T>>(*this);
  });
}

Shape residual_dst(const LayerSpec& spec, const Shape& src) {
  if (spec.body.empty()) misfit(spec, src, "it needs a body: [[model.layers.body]] one by one");
  const Shape body = dst_shape(spec.body, src);
  const Shape shortcut = dst_shape(spec.shortcut, src);
  if (body != shortcut) {
    misfit(spec, src,
           fmt::format("the body gives {} x {} x {} but the shortcut {} x {} x {}; give it a "
                       "shortcut with a 1x1 convolution of {} channels and the body's stride",
                       body.height, body.width, body.channels, shortcut.height, shortcut.width,
                       shortcut.channels, body.channels));
  }
  return body;
}

}  // namespace

extern const LayerKind kResidual;
const LayerKind kResidual{
    "residual", "relu(body(x) + shortcut(x)); the shortcut is x itself where it has no layers",
    read_settings<ResidualSettings>, residual_dst,
    [](const FusedSpec& spec, const Source& src, Compiler& compiler) -> std::unique_ptr<Layer> {
      return std::make_unique<Residual>(spec, src, compiler);
    }};

}  // namespace kindred
