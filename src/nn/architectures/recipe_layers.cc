#include <fmt/format.h>

#include <set>

#include "nn/architectures/architectures.h"
#include "nn/architectures/layer_lines.h"
#include "nn/contract/registry.h"

namespace kindred {
namespace {

std::vector<LayerSpec> read_chain(Section parent, const char* key, const std::string& prefix,
                                  std::set<std::string>& names);

/// The kind a layer's table names, read so that mistakes are found there.
std::string read_kind(Section table) {
  std::vector<std::string> kinds;
  for (const LayerKind* kind : layer_kinds()) kinds.emplace_back(kind->name);
  std::string kind;
  if (!table.has("kind")) table.fail("a layer needs a kind, for instance kind = \"convolution\"");
  table.read_choice("kind", kind, kinds, "what the layer does; `kindred list layers`");
  return kind;
}

LayerSpec read_layer(Section table, const std::string& kind, const std::string& default_name,
                     bool before_norm, std::set<std::string>& names) {
  LayerSpec spec{kind, default_name, {}, {}, {}};
  table.read("name", spec.name, "unique; begins the names of the layer's parameters");
  if (spec.name.empty() || !names.insert(spec.name).second) {
    table.fail(fmt::format("name = '{}' must be unique and not empty", spec.name));
  }
  if (before_norm && (kind == "convolution" || kind == "linear")) {
    spec.settings.emplace_back("bias", 0.0);  // the norm takes any constant away again
  }
  layer_kind(kind).read(table, spec);
  if (kind == "residual") {
    spec.body = read_chain(table, "body", spec.name + ".body", names);
    spec.shortcut = read_chain(table, "shortcut", spec.name + ".shortcut", names);
  }
  if (kind == "concatenate") {
    for (Section& branch : table.sections("branches")) {
      const std::string prefix = fmt::format("{}.branches.{}", spec.name, spec.branches.size());
      spec.branches.push_back(read_chain(branch, "layers", prefix, names));
      branch.finish();
    }
  }
  table.finish();
  return spec;
}

std::vector<LayerSpec> read_chain(Section parent, const char* key, const std::string& prefix,
                                  std::set<std::string>& names) {
  std::vector<Section> tables = parent.sections(key);
  std::vector<std::string> kinds;
  for (Section& table : tables) kinds.push_back(read_kind(table));
  std::vector<LayerSpec> layers;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const bool before_norm =
        i + 1 < tables.size() && (kinds[i + 1] == "batch_norm" || kinds[i + 1] == "instance_norm");
    layers.push_back(
        read_layer(tables[i], kinds[i], fmt::format("{}.{}", prefix, i), before_norm, names));
  }
  return layers;
}

}  // namespace

std::vector<LayerSpec> read_layers(Section model, const Shape& src) {
  if (model.has("layers") && !model.has_tables("layers")) {
    std::vector<std::string> lines;
    model.read("layers", lines, "the network in lines, or [[model.layers]] one by one");
    if (!lines.empty()) return read_layer_lines(model, lines, src);
  }
  std::set<std::string> names;
  std::vector<LayerSpec> layers = read_chain(model, "layers", "layers", names);
  if (layers.empty()) {
    model.fail(
        "architecture = \"layers\" needs [[model.layers]], each with a kind, or lines: "
        "layers = [\"conv 32 norm relu pool\", \"flatten\", \"linear 128\"]");
  }
  return layers;
}

}  // namespace kindred
