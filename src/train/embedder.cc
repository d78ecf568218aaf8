#include "kindred/train/embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "kindred/core/cpu.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/function_ref.h"
#include "kindred/core/time_scope.h"
#include "kindred/nn/network.h"
#include "worker_profiles.h"

namespace kindred {
namespace {

std::string text_of_samples(const Shape& shape, Element element) {
  return fmt::format("{} x {} x {} {}", shape.height, shape.width, shape.channels,
                     element == Element::u8 ? "bytes" : "floats");
}

// What makes pictures fit; "" where nothing does.
std::string mending(const Shape& wanted, Element element, Element found) {
  if (element != Element::u8 || found != Element::u8) return "";
  if (wanted.channels != 1 && wanted.channels != 3) return "";
  const std::string size = wanted.height == wanted.width
                               ? fmt::format("{}", wanted.height)
                               : fmt::format("{}x{}", wanted.height, wanted.width);
  return fmt::format(
      "; make the data set anew of its pictures: kindred import PICTURES OUT.h5 "
      "--size {} {}",
      size, wanted.channels == 1 ? "--grey" : "--rgb");
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

struct KINDRED_HIDDEN Embedder::Impl {
  /// What one worker uses in a call.
  struct Desk {
    std::unique_ptr<Slice> slice;
    Buffer<std::byte> raw;
    Matrix dst;
  };
  /// What one call uses.
  struct Desks {
    std::vector<Desk> each;                           // one a worker
    std::vector<std::unique_ptr<Scratch>> scratches;  // likewise
    WorkerProfiles profiles;
  };

  Impl(const Architecture& architecture, Index slice, Element kind, const InputScaling& scaling,
       const ParameterTable& table, const State& state, const Workers& with)
      : workers(with),
        network(Network::for_inference(architecture, slice, table, state)),
        element(kind),
        sample_bytes(architecture.src.size() *
                     (kind == Element::u8 ? 1 : static_cast<Index>(sizeof(float)))),
        augmenter({}, architecture.src, kind, scaling) {
    give_back(make_desks());
  }

  std::unique_ptr<Desks> make_desks() const;
  /// Those of a call that has ended, or new ones.
  std::unique_ptr<Desks> take_desks();
  void give_back(std::unique_ptr<Desks> desks);

  void check(const Dataset& dataset) const;
  /// Copies raw samples [first, first + count) of those asked for to where it is told.
  using Fetch = FunctionRef<void(Index first, Index count, std::byte* raw)>;
  Matrix embed(Index count, bool flip, Fetch fetch);
  void embed_slice(Desks& desks, int worker, Index first, Fetch fetch, bool flip,
                   MatrixView embeddings) const;

  std::string model = "in training";  // what ranks compare
  const Workers& workers;
  Network network;
  Element element;
  Index sample_bytes;
  Augmenter augmenter;
  bool profiled = false;
  std::mutex mutex;                              // over the desks
  std::vector<std::unique_ptr<Desks>> all_idle;  // not in use
};

std::unique_ptr<Embedder::Impl::Desks> Embedder::Impl::make_desks() const {
  auto desks = std::make_unique<Desks>();
  const Index slice = network.slice();
  for (int i = 0; i < workers.threads(); ++i) {
    desks->each.push_back({network.make_slice(), Buffer<std::byte>(slice * sample_bytes),
                           Matrix(slice, network.embedding())});
    desks->scratches.push_back(network.make_scratch());
  }
  if (profiled) desks->profiles.start(desks->scratches, network.layers().size());
  return desks;
}

std::unique_ptr<Embedder::Impl::Desks> Embedder::Impl::take_desks() {
  {
    const std::lock_guard lock(mutex);
    if (!all_idle.empty()) {
      std::unique_ptr<Desks> desks = std::move(all_idle.back());
      all_idle.pop_back();
      return desks;
    }
  }
  return make_desks();
}

void Embedder::Impl::give_back(std::unique_ptr<Desks> desks) {
  const std::lock_guard lock(mutex);
  all_idle.push_back(std::move(desks));
}

void Embedder::Impl::check(const Dataset& dataset) const {
  if (dataset.shape() == network.src_shape() && dataset.element() == element) return;
  fail(ErrorKind::data,
       fmt::format("{}: its samples are {}; the network was trained on {}{}", dataset.path(),
                   text_of_samples(dataset.shape(), dataset.element()),
                   text_of_samples(network.src_shape(), element),
                   mending(network.src_shape(), element, dataset.element())));
}

Matrix Embedder::Impl::embed(Index count, bool flip, Fetch fetch) {
  Matrix embeddings(count, network.embedding());
  std::unique_ptr<Desks> desks = take_desks();
  const auto embed_block = [&](Index begin, Index end, int worker) {
    embed_slice(*desks, worker, begin, fetch, flip,
                embeddings.view().rows_from(begin, end - begin));
  };
  workers.for_blocks(count, network.slice(), embed_block, Idle::helps);
  give_back(std::move(desks));
  return embeddings;
}

void Embedder::Impl::embed_slice(Desks& desks, int worker, Index first, Fetch fetch, bool flip,
                                 MatrixView embeddings) const {
  Desk& desk = desks.each[static_cast<std::size_t>(worker)];
  const MatrixView src = desk.slice->src();
  const Index rows = embeddings.rows();
  {
    const TimeScope time(desks.profiles.time(worker, &Profile::read));
    fetch(first, rows, desk.raw.data());
  }
  for (int pass = 0; pass < (flip ? 2 : 1); ++pass) {
    {
      const TimeScope time(desks.profiles.time(worker, &Profile::input));
      for (Index i = 0; i < rows; ++i) {
        augmenter.plain(desk.raw.data() + i * sample_bytes, src.row(i));
        if (pass == 1) mirror(src.row(i), network.src_shape());
      }
      for (Index i = rows; i < src.rows(); ++i) std::fill_n(src.row(i), src.cols(), 0.0f);
    }
    Pass how;
    how.scratch = desks.scratches[static_cast<std::size_t>(worker)].get();
    how.scratches = desks.scratches;
    desk.slice->forward(desk.dst.view(), how);
    for (Index i = 0; i < rows; ++i) {
      const float* const from = desk.dst.row(i);
      float* const to = embeddings.row(i);
      if (pass == 0) {
        std::copy_n(from, embeddings.cols(), to);
      } else {
        for (Index j = 0; j < embeddings.cols(); ++j) to[j] += from[j];
      }
    }
  }
}

Embedder::Embedder(const Model& model, const Workers& workers)
    : Embedder(model.architecture, model.slice, model.element, model.scaling, model.table,
               model.state, workers) {
  impl_->model = fmt::format("{} in {}", model.fingerprint, name_of(model.architecture.precision));
  load(model.parameters.span());
}

Embedder::Embedder(const Architecture& architecture, Index slice, Element element,
                   const InputScaling& scaling, const ParameterTable& table, const State& state,
                   const Workers& workers)
    : impl_(std::make_unique<Impl>(architecture, slice, element, scaling, table, state, workers)) {}
Embedder::~Embedder() = default;

void Embedder::load(std::span<const float> parameters) {
  ComputeScope scope;
  impl_->network.pack(impl_->workers, parameters);
}

Matrix Embedder::embed(const Dataset& dataset, std::span<const Index> samples, bool flip) const {
  impl_->check(dataset);
  const auto read = [&](Index first, Index count, std::byte* raw) {
    dataset.read(samples.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
                 raw);
  };
  return impl_->embed(static_cast<Index>(samples.size()), flip, read);
}

Matrix Embedder::embed_together(ProcessGroup& group, const Dataset& dataset,
                                std::span<const Index> samples, bool flip) const {
  if (group.size() == 1) return embed(dataset, samples, flip);
  const Index count = std::ssize(samples);
  const Index begin = begin_of_part(count, group.rank(), group.size());
  const Index end = begin_of_part(count, group.rank() + 1, group.size());
  const Matrix own =
      embed(dataset,
            samples.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
            flip);
  group.join();
  group.expect_alike(fmt::format("{} samples (labels {}, model {}{}, level {})", count,
                                 hex(checksum(std::as_bytes(dataset.labels()))), impl_->model,
                                 flip ? ", flipped" : "", name_of(isa())),
                     "give all ranks the same model and data, and KINDRED_MAX_ISA the lower level");
  Matrix all(count, embedding());
  for (Index i = begin; i < end; ++i) std::copy_n(own.row(i - begin), own.cols(), all.row(i));
  group.gather_rows(all.view());
  return all;
}

Matrix Embedder::embed_samples(std::span<const std::byte> samples, bool flip) const {
  const auto bytes = static_cast<Index>(samples.size());
  const Index each = impl_->sample_bytes;
  if (bytes % each != 0) {
    fail(ErrorKind::data,
         fmt::format("embed_samples: {} bytes are no whole number of samples; the network was "
                     "trained on {}, {} bytes a sample",
                     bytes, text_of_samples(impl_->network.src_shape(), impl_->element), each));
  }
  const auto copy = [&](Index first, Index count, std::byte* raw) {
    std::memcpy(raw, samples.data() + first * each, static_cast<std::size_t>(count * each));
  };
  return impl_->embed(bytes / each, flip, copy);
}

Index Embedder::embedding() const { return impl_->network.embedding(); }
double Embedder::forward_flops() const { return impl_->network.forward_flops(); }

void Embedder::start_profile() {
  impl_->profiled = true;
  for (const auto& desks : impl_->all_idle) {
    desks->profiles.start(desks->scratches, layers().size());
  }
}
Profile Embedder::profile() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<Profile> profiles;
  for (const auto& desks : impl_->all_idle) {
    const auto each = desks->profiles.each();
    profiles.insert(profiles.end(), each.begin(), each.end());
  }
  return sum_of(profiles);
}
std::vector<LayerSummary> Embedder::layers() const { return impl_->network.layers(); }

}  // namespace kindred
