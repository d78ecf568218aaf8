#include <algorithm>

#include "nn/network_impl.h"

namespace kindred {

Scratch::Scratch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Scratch::~Scratch() = default;
void Scratch::measure(LayerTime* times) { impl_->stack.times = times; }

struct KINDRED_HIDDEN Slice::Impl {
  explicit Impl(const Network::Impl& of)
      : network(of),
        src(of.slice * of.src.size()),
        embeddings(of.slice * of.embedding),
        diff_embeddings(of.mode == NetworkMode::training ? embeddings.size() : 0),
        statistics(of.statistics_size),
        layers(of.layers->bind()) {}

  LayerPass run(const Pass& pass) {
    return {pass, pass.scratch->impl_->stack, statistics.span(), nullptr, Accumulate::no};
  }

  /// The layers write and read embeddings without gaps between rows. Where the caller's rows have
  /// none they work there directly.
  static bool dense(ConstMatrixView view) { return view.stride() == view.cols(); }

  const Network::Impl& network;
  Buffer<float> src;
  Buffer<float> embeddings;  // [S, D] without gaps, where the layers cannot use the caller's rows
  Buffer<float> diff_embeddings;
  Buffer<float> statistics;
  std::unique_ptr<BoundLayer> layers;
};

std::unique_ptr<Slice> Network::make_slice() const {
  return std::unique_ptr<Slice>(new Slice(std::make_unique<Slice::Impl>(*impl_)));
}

std::unique_ptr<Scratch> Network::make_scratch() const {
  return std::unique_ptr<Scratch>(new Scratch(std::make_unique<Scratch::Impl>(
      ScratchStack(impl_->engine, impl_->layers->scratch_bytes()))));
}

Slice::Slice(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Slice::~Slice() = default;

MatrixView Slice::src() {
  return {impl_->src.data(), impl_->network.slice, impl_->network.src.size()};
}

void Slice::forward(MatrixView dst, const Pass& pass) {
  assert(dst.rows() == impl_->network.slice && dst.cols() == impl_->network.embedding);
  const ComputeScope scope;
  LayerPass run = impl_->run(pass);
  // A last layer whose backward reads what it wrote keeps a copy: the rows are the caller's.
  if (Impl::dense(dst) && !impl_->network.layers->keeps_dst()) {
    return impl_->layers->forward(impl_->src.data(), dst.data(), run);
  }
  impl_->layers->forward(impl_->src.data(), impl_->embeddings.data(), run);
  for (Index n = 0; n < dst.rows(); ++n) {
    std::copy_n(impl_->embeddings.data() + n * dst.cols(), dst.cols(), dst.row(n));
  }
}

void Slice::backward(ConstMatrixView diff_dst, std::span<float> row, Accumulate accumulate,
                     const Pass& pass) {
  assert(impl_->network.mode == NetworkMode::training);
  assert(diff_dst.rows() == impl_->network.slice && diff_dst.cols() == impl_->network.embedding);
  assert(static_cast<Index>(row.size()) >= impl_->network.gradient_size);
  const ComputeScope scope;
  LayerPass run = impl_->run(pass);
  run.gradient = row.data();
  run.accumulate = accumulate;
  const float* from = diff_dst.data();
  if (!Impl::dense(diff_dst)) {
    for (Index n = 0; n < diff_dst.rows(); ++n) {
      std::copy_n(diff_dst.row(n), diff_dst.cols(),
                  impl_->diff_embeddings.data() + n * diff_dst.cols());
    }
    from = impl_->diff_embeddings.data();
  }
  impl_->layers->backward(from, nullptr, run);
}

std::span<const float> Slice::statistics() const { return impl_->statistics.span(); }

}  // namespace kindred
