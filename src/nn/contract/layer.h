#pragma once
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kindred/core/function_ref.h"
#include "kindred/core/matmul.h"
#include "kindred/core/shape.h"
#include "kindred/nn/pass.h"
#include "kindred/nn/profile.h"
#include "nn/onednn/dnnl_compat.h"
#include "nn/onednn/scratch.h"

// The letters of this folder:
//   B samples of a batch    S samples of a slice    D numbers of an embedding
//   C channels    H height    W width    N = S * H * W, what a batch norm averages over
// src, dst, diff_src, diff_dst and weights are what they are in oneDNN.

namespace kindred {

class BoundLayer;
class Layer;

/// What a layer's time is spent on.
enum class Work { forward, backward_data, backward_weights };

/// What one pass of one slice carries from layer to layer.
struct KINDRED_HIDDEN LayerPass {
  const Pass& pass;
  ScratchStack& scratch;
  std::span<float> statistics;  ///< the slice's: what its batch norms saw, at the layers' offsets
  float* gradient = nullptr;    ///< backward: the gradient row of its slices
  Accumulate accumulate = Accumulate::no;

  /// Where a layer's time is added to, for TimeScope; nullptr where nobody asks.
  inline double* time(const Layer& layer, double LayerTime::*part) const;

  /// Runs body(part, scratch) for each part of a layer's work, and waits for all; idle workers take
  /// parts, too. Parts own what they write, so they may run in any order. They take memory from the
  /// scratch they are given, which is that of the worker that runs them.
  void share(const Layer& layer, Work work, Index parts,
             FunctionRef<void(Index part, ScratchStack& scratch)> body) const;
};

/// A layer compiled for slices of S samples: immutable but for pack() and the running statistics,
/// shared by all slices. Tensors are 4-dimensional to oneDNN, [S, C, H, W], in any memory layout
/// (src_desc, dst_desc); vectors have H = W = 1.
class Layer {
 public:
  Layer(std::string name, std::string kind) : name_(std::move(name)), kind_(std::move(kind)) {}
  virtual ~Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  const std::string& name() const { return name_; }
  const std::string& kind() const { return kind_; }
  const Shape& src_shape() const { return src_shape_; }
  const Shape& dst_shape() const { return dst_shape_; }
  const dnnl::memory::desc& src_desc() const { return src_desc_; }
  const dnnl::memory::desc& dst_desc() const { return dst_desc_; }

  /// The mutable half for one slice.
  virtual std::unique_ptr<BoundLayer> bind() const = 0;

  /// True when forward may write dst over src and backward diff_src over diff_dst.
  virtual bool in_place() const { return false; }
  /// True when backward reads dst: no later layer may write over it.
  virtual bool keeps_dst() const { return false; }
  /// False when nothing in it is trained: backward may stop before it.
  virtual bool trainable() const { return false; }
  /// True where its numbers stay as they are: what it computes of their gradient counts nowhere.
  bool frozen() const { return frozen_; }
  void set_frozen(bool frozen) { frozen_ = frozen; }
  /// The most that a forward or a backward takes from Scratch.
  virtual Index scratch_bytes() const { return 0; }

  /// Copies the flat parameters into the layouts that run.
  virtual void pack(std::span<const float> /*parameters*/) {}
  /// From a gradient row to the flat layout; each layer writes its own segments.
  virtual void unpack_gradient(const float* /*row*/, std::span<float> /*gradient*/) {}
  /// Moves running statistics by what the slices saw, each given by its LayerPass::statistics.
  virtual void update_running_statistics(std::span<const std::span<const float>> /*slices*/) {}

  /// True where the time goes into a product of weights with src.
  virtual bool multiplies() const { return false; }
  /// True where flops() counts a direct computation and fewer operations are made.
  virtual bool saves_operations() const { return false; }
  /// Forward floating-point operations of one sample.
  virtual double flops() const { return 0; }
  /// What runs it: oneDNN's names, forward / backward data / backward weights.
  virtual std::string implementation() const { return "own loops"; }
  /// The layers it is made of; none for most.
  virtual std::vector<Layer*> children() const { return {}; }

  /// Its place in Network::layers().
  std::size_t number() const { return number_; }
  /// The layer that it is inside of, or nullptr.
  const Layer* parent() const { return parent_; }
  void set_place(std::size_t number, const Layer* parent) {
    number_ = number;
    parent_ = parent;
  }

 protected:
  void set_src(const Shape& shape, const dnnl::memory::desc& desc) {
    src_shape_ = shape;
    src_desc_ = desc;
  }
  void set_dst(const Shape& shape, const dnnl::memory::desc& desc) {
    dst_shape_ = shape;
    dst_desc_ = desc;
  }

 private:
  std::string name_;
  std::string kind_;
  bool frozen_ = false;
  std::size_t number_ = 0;
  const Layer* parent_ = nullptr;
  Shape src_shape_;
  Shape dst_shape_;
  dnnl::memory::desc src_desc_;
  dnnl::memory::desc dst_desc_;
};

inline double* LayerPass::time(const Layer& layer, double LayerTime::*part) const {
  return scratch.times == nullptr ? nullptr : &(scratch.times[layer.number()].*part);
}

/// One slice's half of a layer: memory objects, and what backward needs besides src and dst.
/// One thread at a time.
class BoundLayer {
 public:
  virtual ~BoundLayer() = default;

  /// Reads src, writes dst. In training both stay where they are until backward.
  virtual void forward(const void* src, void* dst, LayerPass& run) = 0;

  /// Reads diff_dst, writes diff_src (nullptr: not wanted) and the gradient of the layer's weights
  /// into run.gradient. REQUIRES: the forward of the same pass came before.
  virtual void backward(const void* diff_dst, void* diff_src, LayerPass& run) = 0;
};

}  // namespace kindred
