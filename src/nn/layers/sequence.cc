#include "nn/layers/sequence.h"

#include <algorithm>
#include <cassert>

#include "kindred/core/time_scope.h"
#include "nn/layers/implementations.h"
#include "nn/layers/relayout.h"

namespace kindred {

class BoundSequence final : public BoundLayer {
 public:
  explicit BoundSequence(const Sequence& sequence) : sequence_(sequence) {
    for (const auto& layer : sequence.layers_) bound_.push_back(layer->bind());
    place_tensors();
  }

  void forward(const void* src, void* dst, LayerPass& run) override {
    for (std::size_t i = 0; i < bound_.size(); ++i) {
      void* to = places_[i] == kOutside ? dst : buffers_[places_[i]].data();
      const TimeScope time(run.time(*sequence_.layers_[i], &LayerTime::forward));
      bound_[i]->forward(src, to, run);
      src = to;
    }
  }

  void backward(const void* diff_dst, void* diff_src, LayerPass& run) override {
    const std::size_t first = diff_src == nullptr ? sequence_.first_trainable_ : 0;
    ScratchFrame frame(run.scratch);
    void* to_and_fro[2] = {};
    if (bound_.size() > first + 1) {
      for (void*& buffer : to_and_fro) buffer = frame.take(sequence_.diff_bytes());
    }
    const void* from = diff_dst;
    for (std::size_t i = bound_.size(); i-- > first;) {
      void* to = to_and_fro[from == to_and_fro[0] ? 1 : 0];
      const bool ours = from == to_and_fro[0] || from == to_and_fro[1];
      if (ours && sequence_.layers_[i]->in_place()) to = const_cast<void*>(from);
      if (i == first) to = diff_src;
      const TimeScope time(run.time(*sequence_.layers_[i], &LayerTime::backward));
      bound_[i]->backward(from, to, run);
      from = to;
    }
  }

 private:
  static constexpr std::size_t kOutside = static_cast<std::size_t>(-1);

  /// Gives each layer's dst a buffer, from the last, which is the caller's, to the first.
  void place_tensors() {
    const std::size_t count = bound_.size();
    places_.assign(count, kOutside);
    std::vector<Index> bytes;
    for (std::size_t i = count; i-- > 1;) {
      if (sequence_.overwrites(i)) {
        places_[i - 1] = places_[i];
        continue;
      }
      std::size_t place = bytes.size();
      if (!sequence_.training_ && place == 2) place = places_[i] == 0 ? 1 : 0;
      if (place == bytes.size()) bytes.push_back(0);
      bytes[place] = std::max(bytes[place], bytes_of(sequence_.layers_[i]->src_desc()));
      places_[i - 1] = place;
    }
    for (const Index size : bytes) buffers_.emplace_back(size);
  }

  const Sequence& sequence_;
  std::vector<std::unique_ptr<BoundLayer>> bound_;
  std::vector<Buffer<std::byte>> buffers_;
  std::vector<std::size_t> places_;  // the buffer of each layer's dst
};

Sequence::Sequence(std::string name, const Source& src, const Compiler& compiler)
    : Layer(std::move(name), "sequence"),
      training_(compiler.training()),
      wants_diff_(src.wants_diff) {
  set_src(src.shape, src.desc);
  set_dst(src.shape, src.desc);
}

void Sequence::append(std::span<const FusedSpec> pieces, Compiler& compiler) {
  while (!pieces.empty()) {
    const Source src{dst_shape(), dst_desc(), wants_diff_ || trainable()};
    const bool frozen = pieces.front().layer->frozen;
    auto layer = make_first(pieces, src, compiler);
    layer->set_frozen(frozen);
    append(std::move(layer));
  }
}

void Sequence::append(std::unique_ptr<Layer> layer) {
  const bool trained_before = trainable();
  set_dst(layer->dst_shape(), layer->dst_desc());
  const bool trained = layer->trainable() && !layer->frozen();
  layers_.push_back(std::move(layer));
  if (!trained_before) first_trainable_ = layers_.size() - (trained ? 1 : 0);
}

void Sequence::convert(const TensorDesc& desc, const Compiler& compiler) {
  if (dst_desc() == desc) return;
  append(std::make_unique<Relayout>(layers_.empty() ? name() + ".src" : name() + ".dst", "reorder",
                                    compiler.engine(), dst_shape(), dst_desc(), desc, dst_shape(),
                                    desc));
}

std::unique_ptr<BoundLayer> Sequence::bind() const {
  return std::make_unique<BoundSequence>(*this);
}

bool Sequence::overwrites(std::size_t i) const {
  return layers_[i]->in_place() && !layers_[i - 1]->keeps_dst();
}

Index Sequence::diff_bytes() const {
  Index most = 0;
  for (std::size_t i = 1; i < layers_.size(); ++i) {
    most = std::max(most, bytes_of(layers_[i]->src_desc()));
  }
  return most;
}

Index Sequence::scratch_bytes() const {
  Index most = 0;
  for (const auto& layer : layers_) most = std::max(most, layer->scratch_bytes());
  return most + (training_ ? 2 * ScratchFrame::cost(diff_bytes()) : 0);
}

double Sequence::flops() const {
  double sum = 0;
  for (const auto& layer : layers_) sum += layer->flops();
  return sum;
}

std::vector<Layer*> Sequence::children() const {
  std::vector<Layer*> children;
  for (const auto& layer : layers_) children.push_back(layer.get());
  return children;
}

}  // namespace kindred
