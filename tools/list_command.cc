#include <fmt/format.h>

#include <cmath>
#include <functional>

#include "command.h"
#include "curves/draw_curves.h"
#include "kindred/core/file.h"
#include "kindred/core/recipe.h"
#include "kindred/data/import.h"
#include "kindred/data/sampler.h"
#include "kindred/eval/registry.h"
#include "kindred/loss/loss.h"
#include "kindred/loss/miner.h"
#include "kindred/loss/weight_schedule.h"
#include "kindred/nn/architecture.h"
#include "kindred/nn/registry.h"
#include "kindred/train/optimizer.h"
#include "shipped.h"

namespace kindred::tools {
namespace {

std::string range_text(const Range& range) {
  if (std::isinf(range.low) && std::isinf(range.high)) return "";
  return fmt::format(", {} to {}", range.low, range.high);
}

void print_settings(const std::vector<Setting>& settings) {
  for (const Setting& setting : settings) {
    fmt::print("    {} = {}    {}{}; {}\n", setting.key, setting.value, setting.type,
               range_text(setting.range), setting.description);
  }
}

// A row of a registry: its name, what it is, and the settings it asks an empty section for.
template <typename Entry, typename Make>
void print_row(const Entry& entry, Make make) {
  fmt::print("  {}: {}\n", entry.name, entry.summary);
  Recipe recipe;
  Section section = recipe.root();
  make(section);
  print_settings(section.settings());
}

void list_losses() {
  fmt::print("  every [[loss]]:\n");
  Recipe recipe;
  const WeightSchedule weight(recipe.root());
  print_settings(recipe.root().settings());
  for (const LossEntry& entry : loss_registry()) {
    print_row(entry, [&](Section section) {
      LossContext context;
      context.name = "loss";
      context.embedding = 4;
      context.classes = 2;
      context.batch = 4;
      context.targets = 4;
      ParameterTable table;
      State state;
      entry.make(section, context, table, state);
    });
  }
}

void list_miners() {
  for (const MinerEntry& entry : miner_registry()) {
    print_row(entry, [&](Section section) { read_miner_settings(entry, section); });
  }
}

void list_optimizers() {
  ParameterTable table;
  table.add("weights", {4});
  for (const OptimizerEntry& entry : optimizer_registry()) {
    print_row(entry, [&](Section section) { entry.make(section, table); });
  }
}

void list_samplers() {
  TrainingSet set;
  set.classes = 64;
  for (std::int32_t i = 0; i < 64 * 8; ++i) set.entries.push_back({i, i / 8, 0});
  for (const SamplerEntry& entry : sampler_registry()) {
    print_row(entry, [&](Section section) { entry.make(section, set, 1); });
  }
}

void list_architecture_kinds() {
  fmt::print("  every [model]:\n");
  Recipe recipe;
  Architecture architecture;
  read_common(recipe.root(), architecture);
  print_settings(recipe.root().settings());
  for (const LayerListing& entry : list_architectures()) {
    print_row(entry, [&](Section section) { entry.read_settings(section); });
  }
}

void list_layer_kinds() {
  for (const LayerListing& entry : list_layers()) {
    print_row(entry, [&](Section section) { entry.read_settings(section); });
  }
}

void list_formats() {
  for (const ImportFormat& entry : import_registry()) {
    fmt::print("  {}: {}\n", entry.name, entry.summary);
  }
}

void list_metrics() {
  for (const MetricEntry& entry : metric_registry()) {
    fmt::print("  {} ({}): {}\n", entry.name, entry.command, entry.summary);
  }
}

void list_recipes() {
  for (const ShippedRecipe& recipe : shipped_recipes()) {
    fmt::print("  {}: {} ({})\n", recipe.name, recipe.summary, recipe.path);
  }
}

struct Listing {
  const char* name;
  void (*print)();
};
constexpr Listing kListings[] = {
    {"losses", list_losses},
    {"miners", list_miners},
    {"architectures", list_architecture_kinds},
    {"layers", list_layer_kinds},
    {"optimizers", list_optimizers},
    {"samplers", list_samplers},
    {"formats", list_formats},
    {"metrics", list_metrics},
    {"recipes", list_recipes},
};

void list(const std::string& which) {
  for (const Listing& listing : kListings) {
    if (!which.empty() && which != listing.name) continue;
    fmt::print("{}\n", listing.name);
    listing.print();
  }
}

}  // namespace

void add_list(const Command& program) {
  auto which = std::make_shared<std::string>();
  const Command command = program.add_command("list", "what there is, with settings and defaults");
  std::vector<std::string> names;
  for (const Listing& listing : kListings) names.emplace_back(listing.name);
  command.add_option("what", *which, "one of the lists (default: all)").check(one_of(names));
  auto curves = std::make_shared<std::string>();
  command.add_option("--curves", *curves, "writes a picture of every loss's curve instead (SVG)")
      .type_name("FILE.svg")
      .writes_file(kSvgFile);
  command.footer("Example:\n  kindred list losses\n  kindred list losses --curves losses.svg");
  command.callback([which, curves] {
    if (curves->empty()) {
      list(*which);
    } else {
      write_file_durably(*curves, draw_curves(loss_curves()));
    }
  });
}

}  // namespace kindred::tools
