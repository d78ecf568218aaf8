#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "nn/contract/registry.h"
#include "nn/contract/settings.h"
#include "nn/kernels/elementwise_kernels.h"
#include "nn/layers/sequence.h"

namespace kindred {
namespace {

/// Where a branch's numbers lie in dst: as many runs as there are samples (channels are blocks
/// there) or pixels (channels-last).
struct Runs {
  Index count = 0;
  Index bytes = 0;   ///< of one of the branch's
  Index stride = 0;  ///< bytes from the start of one to the next in dst
  Index begin = 0;   ///< bytes to the first

  void gather(const void* branch, void* dst) const {
    copy(static_cast<const std::byte*>(branch), bytes, static_cast<std::byte*>(dst) + begin,
         stride);
  }
  void scatter(const void* dst, void* branch) const {
    copy(static_cast<const std::byte*>(dst) + begin, stride, static_cast<std::byte*>(branch),
         bytes);
  }

 private:
  void copy(const std::byte* from, Index from_stride, std::byte* to, Index to_stride) const {
    for (Index i = 0; i < count; ++i) {
      std::memcpy(to + i * to_stride, from + i * from_stride, static_cast<std::size_t>(bytes));
    }
  }
};

/// dst = the channels of all branches of src, one branch behind the other; a branch without layers
/// is src itself.
class Concatenate final : public Layer {
 public:
  Concatenate(const FusedSpec& spec, const Source& src, Compiler& compiler)
      : Layer(spec.name(), spec.kind()), training_(compiler.training()) {
    set_src(src.shape, src.desc);
    const NetworkMode mode = training_ ? NetworkMode::training : NetworkMode::inference;
    Shape dst;
    for (const std::vector<LayerSpec>& layers : spec.layer->branches) {
      const std::string name = fmt::format("{}.branches.{}", this->name(), branches_.size());
      Sequence& branch = *branches_.emplace_back(std::make_unique<Sequence>(name, src, compiler));
      branch.append(fuse(layers, mode), compiler);
      dst = {dst.channels + branch.dst_shape().channels, branch.dst_shape().height,
             branch.dst_shape().width};
    }
    const FormatTag layout = common_layout();
    const Index S = compiler.slice();
    const ElementType type = type_of(branches_.front()->dst_desc());
    set_dst(dst, tensor(S, dst, layout, type));
    const Index count = layout == FormatTag::nhwc ? S * dst.height * dst.width : S;
    Index begin = 0;
    for (const auto& branch : branches_) {
      branch->convert(tensor(S, branch->dst_shape(), layout, type), compiler);
      const Index bytes = bytes_of(branch->dst_desc()) / count;
      runs_.push_back({count, bytes, bytes_of(dst_desc()) / count, begin});
      begin += bytes;
    }
  }

  std::unique_ptr<BoundLayer> bind() const override;
  bool trainable() const override {
    return std::ranges::any_of(branches_, [](const auto& branch) { return branch->trainable(); });
  }
  Index scratch_bytes() const override {
    Index most = 0;
    for (const auto& branch : branches_) {
      most = std::max(most,
                      branch->scratch_bytes() + ScratchFrame::cost(bytes_of(branch->dst_desc())));
    }
    return most + ScratchFrame::cost(bytes_of(src_desc()));
  }
  double flops() const override {
    double sum = 0;
    for (const auto& branch : branches_) sum += branch->flops();
    return sum;
  }
  std::vector<Layer*> children() const override {
    std::vector<Layer*> all;
    for (const auto& branch : branches_)
      std::ranges::copy(branch->children(), std::back_inserter(all));
    return all;
  }

 private:
  template <typename T>
  friend class BoundConcatenate;

  /// That of all branches where none has padding channels; else channels-last.
  FormatTag common_layout() const {
    const FormatTag first = layout_of(branches_.front()->dst_desc());
    for (const auto& branch : branches_) {
      const TensorDesc& desc = branch->dst_desc();
      const Index S = compat::dims_of(desc)[0];
      if (layout_of(desc) != first || elements_of(desc) != S * branch->dst_shape().size()) {
        return FormatTag::nhwc;
      }
    }
    return first;
  }

  bool training_;
  std::vector<std::unique_ptr<Sequence>> branches_;
  std::vector<Runs> runs_;  // of the branches
};

template <typename T>
class BoundConcatenate final : public BoundLayer {
 public:
  explicit BoundConcatenate(const Concatenate& layer) : layer_(layer) {
    for (const auto& branch : layer.branches_) {
      const bool is_src = branch->children().empty();
      branches_.push_back(is_src ? nullptr : branch->bind());
      const bool keeps = layer.training_ && branch->keeps_dst();
      kept_.emplace_back(keeps ? bytes_of(branch->dst_desc()) : 0);
    }
  }

  void forward(const void* src, void* dst, LayerPass& run) override {
    for (std::size_t i = 0; i < branches_.size(); ++i) {
      if (branches_[i] == nullptr) {
        layer_.runs_[i].gather(src, dst);
        continue;
      }
      ScratchFrame frame(run.scratch);
      void* to = kept_[i].size() > 0 ? kept_[i].data() : frame.take(dst_bytes(i));
      branches_[i]->forward(src, to, run);
      layer_.runs_[i].gather(to, dst);
    }
  }

  void backward(const void* diff_dst, void* diff_src, LayerPass& run) override {
    ScratchFrame frame(run.scratch);
    void* beside = frame.take(bytes_of(layer_.src_desc()));
    for (std::size_t i = 0; i < branches_.size(); ++i) {
      void* to = i == 0 || diff_src == nullptr ? diff_src : beside;
      backward_branch(i, diff_dst, to, run);
      if (to != beside) continue;
      auto* dx = static_cast<T*>(diff_src);
      kernels<ElementwiseKernels<T>>().add(dx, static_cast<const T*>(beside),
                                           elements_of(layer_.src_desc()), dx);
    }
  }

 private:
  void backward_branch(std::size_t i, const void* diff_dst, void* diff_src, LayerPass& run) {
    if (branches_[i] == nullptr) {
      if (diff_src != nullptr) layer_.runs_[i].scatter(diff_dst, diff_src);
      return;
    }
    ScratchFrame frame(run.scratch);
    void* diff = frame.take(dst_bytes(i));
    layer_.runs_[i].scatter(diff_dst, diff);
    branches_[i]->backward(diff, diff_src, run);
  }
  Index dst_bytes(std::size_t i) const { return bytes_of(layer_.branches_[i]->dst_desc()); }

  const Concatenate& layer_;
  std::vector<std::unique_ptr<BoundLayer>> branches_;  // nullptr: src itself
  std::vector<Buffer<std::byte>> kept_;                // the dst of those whose backward reads it
};

std::unique_ptr<BoundLayer> Concatenate::bind() const {
  return with_element(src_desc(), [&]<typename T>() -> std::unique_ptr<BoundLayer> {
    return std::make_unique<BoundConcatenate<T>>(*this);
  });
}

Shape concatenate_dst(const LayerSpec& spec, const Shape& src) {
  if (spec.branches.empty()) {
    misfit(spec, src, "it needs branches: [[model.layers.branches]] one by one");
  }
  Shape dst = dst_shape(spec.branches.front(), src);
  for (std::size_t i = 1; i < spec.branches.size(); ++i) {
    const Shape branch = dst_shape(spec.branches[i], src);
    if (branch.height != dst.height || branch.width != dst.width) {
      misfit(spec, src,
             fmt::format("branch 0 gives {} x {} pixels but branch {} gives {} x {}; all need the "
                         "same height and width",
                         dst.height, dst.width, i, branch.height, branch.width));
    }
    dst.channels += branch.channels;
  }
  return dst;
}

}  // namespace

extern const LayerKind kConcatenate;
const LayerKind kConcatenate{
    "concatenate", "the channels of several branches of layers, one behind the other",
    read_settings<NoSettings>, concatenate_dst,
    [](const FusedSpec& spec, const Source& src, Compiler& compiler) -> std::unique_ptr<Layer> {
      return std::make_unique<Concatenate>(spec, src, compiler);
    }};

}  // namespace kindred
