#include "kindred/nn/outline.h"

#include <fmt/format.h>

#include <algorithm>

#include "nn/architectures/architectures.h"
#include "nn/contract/fuse.h"
#include "nn/contract/registry.h"

namespace kindred {
namespace {

/// "5x5, stride 2, 8 groups": of the settings those that a drawing wants.
std::string settings_text(const LayerSpec& spec) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : spec.settings) {
    if (key == "kernel") parts.push_back(fmt::format("{0:g}x{0:g}", value));
    if (key == "stride" && value != 1) parts.push_back(fmt::format("stride {:g}", value));
    if (key == "groups" && value != 1) parts.push_back(fmt::format("{:g} groups", value));
    if (key == "dilation" && value != 1) parts.push_back(fmt::format("dilation {:g}", value));
    if (key == "rate") parts.push_back(fmt::format("rate {:g}", value));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

void add_rows(const std::vector<LayerSpec>& layers, Shape src, Index depth, Outline& outline) {
  for (const LayerSpec& spec : layers) {
    const LayerKind& kind = layer_kind(spec.kind);
    OutlineRow row{spec.name, spec.kind, settings_text(spec), depth, kind.dst_shape(spec, src)};
    const LayerCost cost = kind.cost == nullptr ? LayerCost{} : kind.cost(spec, src);
    row.parameters = cost.parameters;
    row.flops = 2 * cost.multiply_adds;
    outline.parameters += row.parameters;
    outline.flops += row.flops;
    const Shape dst = row.dst;
    outline.rows.push_back(std::move(row));
    for_each_chain(spec, [&](const std::vector<LayerSpec>& chain) {
      add_rows(chain, src, depth + 1, outline);
    });
    src = dst;
  }
}

/// Bytes that training keeps of a sample: what every compiled piece writes, but where it writes
/// over what it reads.
double kept_bytes(const std::vector<LayerSpec>& layers, Shape src, Precision precision) {
  const double element = precision == Precision::bfloat16 ? 2 : 4;
  double bytes = 0;
  for (const FusedSpec& piece : fuse(layers, NetworkMode::training)) {
    const LayerSpec& spec = *piece.layer;
    if (piece.flatten != nullptr) src = layer_kind("flatten").dst_shape(*piece.flatten, src);
    for_each_chain(spec, [&](const std::vector<LayerSpec>& chain) {
      bytes += kept_bytes(chain, src, precision);
    });
    Shape dst = layer_kind(spec.kind).dst_shape(spec, src);
    if (piece.pool != nullptr) dst = layer_kind(piece.pool->kind).dst_shape(*piece.pool, dst);
    const Activation activation = activation_of(spec);
    const bool in_place = (activation && is_clip(activation.kind)) || spec.kind == "dropout" ||
                          spec.kind == "flatten";
    if (!in_place) bytes += element * static_cast<double>(dst.size());
    src = dst;
  }
  return bytes;
}

}  // namespace

double Outline::training_bytes(Index batch, Index slice) const {
  // Floats for each trained number: itself, its gradient, Adam's two moments, and the copies that
  // forward and backward read.
  constexpr double kCopies = 6;
  constexpr Index kMostRows = 16;  // gradient rows (TrainSettings)
  const Index gradient_rows = std::min(blocks_of(batch, slice), kMostRows);
  return static_cast<double>(batch) * kept +
         4 * parameters * (kCopies + static_cast<double>(gradient_rows));
}

Outline outline_of(const Architecture& architecture) {
  Outline outline;
  outline.src = architecture.src;
  add_rows(architecture.layers, architecture.src, 0, outline);
  outline.kept = 4 * static_cast<double>(architecture.src.size()) +
                 kept_bytes(architecture.layers, architecture.src, architecture.precision);
  return outline;
}

std::vector<ArchitectureOutline> outline_architectures() {
  std::vector<ArchitectureOutline> outlines;
  for (const ArchitectureKind& kind : architecture_kinds()) {
    if (kind.read == read_layers) continue;  // it has no layers of its own
    const Architecture architecture =
        make_architecture({kind.name, {{"precision", std::string("float32")}}}, kind.customary);
    outlines.push_back({kind.name, outline_of(architecture)});
  }
  return outlines;
}

}  // namespace kindred
