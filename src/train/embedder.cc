#include "kindred/train/embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "kindred/core/error.h"
#include "kindred/core/time_scope.h"
#include "kindred/nn/network.h"

namespace kindred {
namespace {

std::string text_of(const Shape& shape, Element element) {
  return fmt::format("{} x {} x {} {}", shape.height, shape.width, shape.channels,
                     element == Element::u8 ? "bytes" : "floats");
}

// Left and right exchanged, channels-last, in place.
void mirror(float* sample, const Shape& shape) {
  for (Index y = 0; y < shape.height; ++y) {
    float* const row = sample + y * shape.width * shape.channels;
    for (Index x = 0; x < shape.width / 2; ++x) {
      std::swap_ranges(row + x * shape.channels, row + (x + 1) * shape.channels,
                       row + (shape.width - 1 - x) * shape.channels);
    }
  }
}

}  // namespace

struct Embedder::Impl {
  /// What one worker uses.
  struct Lane {
    std::unique_ptr<Slice> slice;
    Buffer<std::byte> raw;
    Matrix dst;
    Profile profile;
  };

  Impl(const Architecture& architecture, Index slice, Element kind, const InputScaling& scaling,
       ParameterTable& table, State& state, const Workers& with)
      : workers(with),
        network(architecture, slice, NetworkMode::inference, table, state),
        element(kind),
        augmenter({}, architecture.src, kind, scaling) {
    lanes.resize(static_cast<std::size_t>(workers.threads()));
    const Index sample_bytes =
        architecture.src.size() * (kind == Element::u8 ? 1 : static_cast<Index>(sizeof(float)));
    for (Lane& lane : lanes) {
      lane = {network.make_slice(), Buffer<std::byte>(slice * sample_bytes),
              Matrix(slice, network.embedding()), Profile()};
      scratches.push_back(network.make_scratch());
    }
  }

  void check(const Dataset& dataset) const;
  void embed_slice(int worker, const Dataset& dataset, std::span<const Index> samples, bool flip,
                   MatrixView embeddings);

  const Workers& workers;
  Network network;
  Element element;
  Augmenter augmenter;
  std::vector<Lane> lanes;
  std::vector<std::unique_ptr<Scratch>> scratches;  // one a lane
  bool profiled = false;
};

void Embedder::Impl::check(const Dataset& dataset) const {
  if (dataset.shape() == network.src_shape() && dataset.element() == element) return;
  fail(ErrorKind::data, fmt::format("{}: its samples are {}; the network was trained on {}",
                                    dataset.path(), text_of(dataset.shape(), dataset.element()),
                                    text_of(network.src_shape(), element)));
}

void Embedder::Impl::embed_slice(int worker, const Dataset& dataset, std::span<const Index> samples,
                                 bool flip, MatrixView embeddings) {
  Lane& lane = lanes[static_cast<std::size_t>(worker)];
  const MatrixView src = lane.slice->src();
  const auto rows = static_cast<Index>(samples.size());
  {
    const TimeScope time(profiled ? &lane.profile.read : nullptr);
    dataset.read(samples, lane.raw.data());
  }
  for (int pass = 0; pass < (flip ? 2 : 1); ++pass) {
    {
      const TimeScope time(profiled ? &lane.profile.input : nullptr);
      for (Index i = 0; i < rows; ++i) {
        augmenter.plain(lane.raw.data() + i * dataset.sample_bytes(), src.row(i));
        if (pass == 1) mirror(src.row(i), network.src_shape());
      }
      for (Index i = rows; i < src.rows(); ++i) std::fill_n(src.row(i), src.cols(), 0.0f);
    }
    Pass how;
    how.scratch = scratches[static_cast<std::size_t>(worker)].get();
    how.scratches = scratches;
    lane.slice->forward(lane.dst.view(), how);
    for (Index i = 0; i < rows; ++i) {
      const float* const from = lane.dst.row(i);
      float* const to = embeddings.row(i);
      if (pass == 0) {
        std::copy_n(from, embeddings.cols(), to);
      } else {
        for (Index j = 0; j < embeddings.cols(); ++j) to[j] += from[j];
      }
    }
  }
}

Embedder::Embedder(Model& model, const Workers& workers)
    : Embedder(model.architecture, model.slice, model.element, model.scaling, model.table,
               model.state, workers) {
  load(model.parameters.span());
}

Embedder::Embedder(const Architecture& architecture, Index slice, Element element,
                   const InputScaling& scaling, ParameterTable& table, State& state,
                   const Workers& workers)
    : impl_(std::make_unique<Impl>(architecture, slice, element, scaling, table, state, workers)) {}
Embedder::~Embedder() = default;

void Embedder::load(std::span<const float> parameters) {
  ComputeScope scope;
  impl_->network.pack(impl_->workers, parameters);
}

Matrix Embedder::embed(const Dataset& dataset, std::span<const Index> samples, bool flip) {
  impl_->check(dataset);
  const auto count = static_cast<Index>(samples.size());
  Matrix embeddings(count, impl_->network.embedding());
  const auto embed_block = [&](Index begin, Index end, int worker) {
    impl_->embed_slice(
        worker, dataset,
        samples.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
        flip, embeddings.view().rows_from(begin, end - begin));
  };
  impl_->workers.for_blocks(count, impl_->network.slice(), embed_block, Idle::helps);
  return embeddings;
}

Index Embedder::embedding() const { return impl_->network.embedding(); }
double Embedder::forward_flops() const { return impl_->network.forward_flops(); }

void Embedder::start_profile() {
  impl_->profiled = true;
  const Profile zero{std::vector<LayerTime>(layers().size()), 0, 0};
  for (std::size_t i = 0; i < impl_->lanes.size(); ++i) {
    impl_->lanes[i].profile = zero;
    impl_->scratches[i]->measure(impl_->lanes[i].profile.layers.data());
  }
}
Profile Embedder::profile() const {
  std::vector<Profile> profiles;
  if (impl_->profiled) {
    for (const Impl::Lane& lane : impl_->lanes) profiles.push_back(lane.profile);
  }
  return sum_of(profiles);
}
std::vector<LayerSummary> Embedder::layers() const { return impl_->network.layers(); }

}  // namespace kindred
