#include "catalogue.h"

#include <fmt/format.h>

#include <algorithm>

#include "count_text.h"
#include "kindred/data/import.h"
#include "kindred/data/sampler.h"
#include "kindred/eval/registry.h"
#include "kindred/loss/loss.h"
#include "kindred/loss/miner.h"
#include "kindred/nn/outline.h"
#include "kindred/nn/registry.h"
#include "kindred/train/optimizer.h"
#include "kindred/train/sections.h"
#include "shipped.h"

namespace kindred::tools {
namespace {

/// A row of a registry, and the settings that it asks an empty section for.
template <typename Entry, typename Read>
CatalogueEntry entry_of(const Entry& entry, Read read) {
  Recipe recipe;
  Section section = recipe.root();
  read(section);
  return {std::string(entry.name), std::string(entry.summary), section.settings()};
}

std::vector<CatalogueEntry> sections() {
  std::vector<CatalogueEntry> entries;
  for (const SectionListing& entry : list_sections()) {
    entries.push_back(entry_of(entry, entry.read));
  }
  return entries;
}

std::vector<CatalogueEntry> losses() {
  std::vector<CatalogueEntry> entries;
  for (const LossEntry& entry : loss_registry()) {
    entries.push_back(entry_of(entry, [&](Section section) {
      LossContext context;
      context.name = "loss";
      context.embedding = 4;
      context.classes = 2;
      context.batch = 4;
      context.targets = 4;
      ParameterTable table;
      State state;
      entry.make(section, context, table, state);
    }));
  }
  return entries;
}

std::vector<CatalogueEntry> miners() {
  std::vector<CatalogueEntry> entries;
  for (const MinerEntry& entry : miner_registry()) {
    entries.push_back(
        entry_of(entry, [&](Section section) { read_miner_settings(entry, section); }));
  }
  return entries;
}

std::vector<CatalogueEntry> optimizers() {
  ParameterTable table;
  table.add("weights", {4});
  std::vector<CatalogueEntry> entries;
  for (const OptimizerEntry& entry : optimizer_registry()) {
    entries.push_back(entry_of(entry, [&](Section section) { entry.make(section, table); }));
  }
  return entries;
}

std::vector<CatalogueEntry> samplers() {
  TrainingSet set;
  set.classes = 64;
  for (std::int32_t i = 0; i < 64 * 8; ++i) set.entries.push_back({i, i / 8, 0});
  std::vector<CatalogueEntry> entries;
  for (const SamplerEntry& entry : sampler_registry()) {
    entries.push_back(entry_of(entry, [&](Section section) { entry.make(section, set, 1); }));
  }
  return entries;
}

std::vector<CatalogueEntry> of_listings(const std::vector<LayerListing>& listings) {
  std::vector<CatalogueEntry> entries;
  for (const LayerListing& entry : listings) {
    entries.push_back(entry_of(entry, [&](Section section) { entry.read_settings(section); }));
  }
  return entries;
}

std::vector<CatalogueEntry> architectures() {
  std::vector<CatalogueEntry> entries = of_listings(list_architectures());
  for (const ArchitectureOutline& one : outline_architectures()) {
    const auto entry = std::ranges::find(entries, one.name, &CatalogueEntry::name);
    entry->summary +=
        fmt::format("; on {}: {} parameters, {} FLOPs, {}B in a training step of 128",
                    shape_text(one.outline.src), count_text(one.outline.parameters),
                    count_text(one.outline.flops), count_text(one.outline.training_bytes(128, 16)));
  }
  return entries;
}

std::vector<CatalogueEntry> formats() {
  std::vector<CatalogueEntry> entries;
  for (const ImportFormat& entry : import_registry()) {
    entries.push_back({std::string(entry.name), std::string(entry.summary)});
  }
  return entries;
}

std::vector<CatalogueEntry> metrics() {
  std::vector<CatalogueEntry> entries;
  for (const MetricEntry& entry : metric_registry()) {
    entries.push_back({std::string(entry.name),
                       fmt::format("{} (kindred eval {})", entry.summary, entry.command)});
  }
  return entries;
}

std::vector<CatalogueEntry> recipes() {
  std::vector<CatalogueEntry> entries;
  for (const ShippedRecipe& recipe : shipped_recipes()) {
    entries.push_back({recipe.name, fmt::format("{} ({})", recipe.summary, recipe.path)});
  }
  return entries;
}

}  // namespace

std::vector<CatalogueList> catalogue() {
  return {{"sections", "the tables of a recipe", sections()},
          {"losses", "name in [[loss]]", losses()},
          {"miners", "mining in [[loss]] of pair losses", miners()},
          {"architectures", "architecture in [model]", architectures()},
          {"layers", "kind in [[model.layers]]", of_listings(list_layers())},
          {"optimizers", "name in [optimizer]", optimizers()},
          {"samplers", "name in [sampler]", samplers()},
          {"formats", "kindred import --format", formats()},
          {"metrics", "what kindred eval measures", metrics()},
          {"recipes", "kindred train NAME", recipes()}};
}

}  // namespace kindred::tools
