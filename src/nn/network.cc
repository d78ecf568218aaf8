#include "kindred/nn/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/sum_rows.h"
#include "kindred/core/error.h"
#include "kindred/core/random.h"
#include "nn/contract/compiler.h"
#include "nn/network_impl.h"

namespace kindred {
namespace {

Shape checked_dst(const Architecture& architecture) {
  const Shape dst = dst_shape(architecture.layers, architecture.src);
  if (architecture.layers.empty() || dst.height != 1 || dst.width != 1) {
    fail(ErrorKind::recipe,
         fmt::format("the network ends in an image of {} x {} x {} (height x width x channels), "
                     "but an embedding is a vector; end it with a linear layer",
                     dst.height, dst.width, dst.channels));
  }
  return dst;
}

/// True where nothing of it is trained: frozen, or without numbers of its own.
bool rests(const LayerSpec& spec, const Shape& src) {
  if (spec.frozen) return true;
  const LayerKind& kind = layer_kind(spec.kind);
  if (kind.cost != nullptr && kind.cost(spec, src).parameters > 0) return false;
  bool all_rest = true;
  for_each_chain(spec, [&](const std::vector<LayerSpec>& chain) {
    Shape shape = src;
    for (const LayerSpec& layer : chain) {
      all_rest = all_rest && rests(layer, shape);
      shape = layer_kind(layer.kind).dst_shape(layer, shape);
    }
  });
  return all_rest;
}

/// How many layers the network begins with that rest, up to the first dropout; none where nothing
/// among them is frozen.
std::ptrdiff_t frozen_layers(const Architecture& architecture) {
  Shape shape = architecture.src;
  std::ptrdiff_t count = 0;
  bool any = false;
  for (const LayerSpec& layer : architecture.layers) {
    if (layer.kind == "dropout" || !rests(layer, shape)) break;
    any = any || layer.frozen;
    shape = layer_kind(layer.kind).dst_shape(layer, shape);
    ++count;
  }
  return any ? count : 0;
}

/// The last linear layer of these gives float32. False where there is none.
bool end_in_float32(std::vector<FusedSpec>& pieces) {
  const auto linear = std::ranges::find(pieces.rbegin(), pieces.rend(), "linear",
                                        [](const FusedSpec& piece) { return piece.layer->kind; });
  if (linear == pieces.rend()) return false;
  linear->to_float32 = true;
  return true;
}

std::unique_ptr<Sequence> compile(const Architecture& architecture, Compiler& compiler) {
  const auto channels_last = [&](const Shape& shape, ElementType type) {
    return tensor(compiler.slice(), shape, FormatTag::nhwc, type);
  };
  const Source src{architecture.src, channels_last(architecture.src, kFloat32), false};
  // What is frozen at the beginning runs as for inference, and nothing goes back through it.
  const bool training = compiler.training();
  const auto first = architecture.layers.begin();
  const auto middle = first + (training ? frozen_layers(architecture) : 0);
  const std::vector<LayerSpec> at_rest(first, middle);
  const std::vector<LayerSpec> others(middle, architecture.layers.end());
  auto resting = fuse(at_rest, NetworkMode::inference);
  auto pieces = fuse(others, training ? NetworkMode::training : NetworkMode::inference);
  // Embeddings are float32, and so is all that follows the last linear layer.
  if (!end_in_float32(pieces)) end_in_float32(resting);
  auto layers = std::make_unique<Sequence>("network", src, compiler);
  layers->convert(channels_last(src.shape, compiler.type()), compiler);
  if (!resting.empty()) {
    compiler.set_resting(true);
    auto front = std::make_unique<Sequence>(
        "frozen", Source{layers->dst_shape(), layers->dst_desc(), false}, compiler);
    front->append(resting, compiler);
    compiler.set_resting(false);
    front->set_frozen(true);
    layers->append(std::move(front));
  }
  layers->append(pieces, compiler);
  layers->convert(channels_last(layers->dst_shape(), kFloat32), compiler);
  return layers;
}

/// Each layer, and those inside of it behind it: visit(layer, depth).
template <typename F>
void walk(const std::vector<Layer*>& layers, Index depth, F&& visit) {
  for (Layer* layer : layers) {
    visit(*layer, depth);
    walk(layer->children(), depth + 1, visit);
  }
}

void set_places(const std::vector<Layer*>& layers, const Layer* parent, std::size_t& number) {
  for (Layer* layer : layers) {
    layer->set_place(number++, parent);
    set_places(layer->children(), layer, number);
  }
}

/// By itself, or with the block that it is in.
bool is_frozen(const Layer& layer) {
  return layer.frozen() || (layer.parent() != nullptr && is_frozen(*layer.parent()));
}

}  // namespace

Network::Impl::Impl(const Architecture& architecture, Index samples,
                    const Compiler::Numbers& numbers)
    : slice(samples), src(architecture.src) {
  const ComputeScope scope;  // oneDNN plans for the number of threads it sees: one
  embedding = checked_dst(architecture).channels;
  require(architecture.precision);
  Compiler compiler(engine, slice, architecture.precision, architecture.convolution, numbers);
  mode = compiler.training() ? NetworkMode::training : NetworkMode::inference;
  layers = compile(architecture, compiler);
  std::size_t number = 0;
  set_places(layers->children(), nullptr, number);
  for (Layer* leaf : compiler.leaves()) {
    const bool at_rest = mode == NetworkMode::training && is_frozen(*leaf);
    (at_rest ? frozen_leaves : leaves).push_back(leaf);
  }
  fillings = compiler.fillings();
  gradient_size = compiler.gradient_size();
  statistics_size = compiler.statistics_size();
}

Network::Network(const Architecture& architecture, Index slice, NetworkMode mode,
                 ParameterTable& table, State& state)
    : impl_(std::make_unique<Impl>(architecture, slice,
                                   mode == NetworkMode::inference ? Compiler::Numbers{table, state}
                                   : table.segments().empty()
                                       ? Compiler::Numbers{table, state, &state, &table}
                                       : Compiler::Numbers{table, state, &state})) {}

Network Network::for_inference(const Architecture& architecture, Index slice,
                               const ParameterTable& table, const State& state) {
  return Network(std::make_unique<Impl>(architecture, slice, Compiler::Numbers{table, state}));
}

Network::Network(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

Index Network::slice() const { return impl_->slice; }
Index Network::embedding() const { return impl_->embedding; }
const Shape& Network::src_shape() const { return impl_->src; }
Index Network::gradient_row_size() const { return impl_->gradient_size; }
Index Network::statistics_size() const { return impl_->statistics_size; }
double Network::forward_flops() const { return impl_->layers->flops(); }

void Network::initialise(std::uint64_t seed, std::span<float> parameters) const {
  for (std::size_t i = 0; i < impl_->fillings.size(); ++i) {
    const auto& [range, initial] = impl_->fillings[i];
    const auto values = range.of(parameters);
    if (initial.fan_in == 0) {
      std::ranges::fill(values, initial.value);
      continue;
    }
    // He et al. 2015, "Delving deep into rectifiers", eq. (10).
    const auto deviation = static_cast<float>(std::sqrt(2.0 / static_cast<double>(initial.fan_in)));
    Random random(seed, Purpose::initialise, i);
    for (float& value : values) value = deviation * random.normal();
  }
}

void Network::pack(const Workers& workers, std::span<const float> parameters) {
  const auto pack_leaf = [&](Index i, int) {
    impl_->frozen_leaves[static_cast<std::size_t>(i)]->pack(parameters);
  };
  workers.for_each(static_cast<Index>(impl_->frozen_leaves.size()), pack_leaf, Idle::helps);
  pack_trained(workers, parameters);
}

void Network::pack_trained(const Workers& workers, std::span<const float> parameters) {
  const auto pack_leaf = [&](Index i, int) {
    impl_->leaves[static_cast<std::size_t>(i)]->pack(parameters);
  };
  workers.for_each(static_cast<Index>(impl_->leaves.size()), pack_leaf, Idle::helps);
}

void Network::add_gradient_rows(const Workers& workers, MatrixView rows) const {
  sum_rows(workers, rows, rows.stride(), rows.rows());
}

void Network::unpack_gradient(const Workers& workers, std::span<const float> row,
                              std::span<float> gradient) const {
  workers.for_each(static_cast<Index>(impl_->leaves.size()), [&](Index i, int) {
    impl_->leaves[static_cast<std::size_t>(i)]->unpack_gradient(row.data(), gradient);
  });
}

void Network::update_running_statistics(std::span<const std::span<const float>> seen) {
  for (Layer* leaf : impl_->leaves) leaf->update_running_statistics(seen);
}

std::vector<LayerSummary> Network::layers() const {
  std::vector<LayerSummary> summaries;
  walk(impl_->layers->children(), 0, [&](const Layer& layer, Index depth) {
    const Index bytes = bytes_of(layer.src_desc()) + bytes_of(layer.dst_desc());
    summaries.push_back({layer.name(), layer.kind(), layer.implementation(), depth,
                         layer.dst_shape(), layer.multiplies(), layer.flops(),
                         layer.saves_operations(),
                         static_cast<double>(bytes) / static_cast<double>(impl_->slice)});
  });
  return summaries;
}

std::string Network::describe() const {
  std::string text;
  for (const LayerSummary& layer : layers()) {
    const std::string indent(static_cast<std::size_t>(2 * layer.depth), ' ');
    text +=
        fmt::format("{:<36} {:<34} {:>12} {:>8.2f} Mflop  {}\n", indent + layer.name, layer.kind,
                    fmt::format("{}x{}x{}", layer.dst.height, layer.dst.width, layer.dst.channels),
                    layer.flops * 1e-6, layer.implementation);
  }
  return text;
}

}  // namespace kindred
