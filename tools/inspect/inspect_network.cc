#include "inspect/inspect_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "count_text.h"
#include "kindred/core/error.h"
#include "kindred/core/text.h"
#include "kindred/train/setup.h"

namespace kindred::tools {
namespace {

constexpr Index kToldBatch = 128;  // of the training step whose memory is told
constexpr Index kToldSlice = 16;

constexpr std::size_t kTableColumns = 80;
constexpr std::size_t kWhatColumns = 26;

/// "28x28x1"
std::string compact(const Shape& shape) {
  std::string text = shape_text(shape);
  std::erase(text, ' ');
  return text;
}

Json shape_json(const Shape& shape) { return Json{shape.height, shape.width, shape.channels}; }

}  // namespace

Shape size_named(const std::string& text) {
  std::vector<Index> numbers;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end && numbers.size() < 4) {
    Index number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    constexpr Index kMost = 65536;
    if (error != std::errc() || number < 1 || number > kMost) break;
    numbers.push_back(number);
    at = next;
    if (at != end && *at == 'x' && at + 1 != end) ++at;
  }
  if (at == end && numbers.size() == 1) return {numbers[0]};
  if (at == end && numbers.size() == 3) return {numbers[2], numbers[0], numbers[1]};
  fail(ErrorKind::usage,
       fmt::format("--size {}: expected height x width x channels, for instance 28x28x1, or the "
                   "numbers of a vector, 768",
                   text));
}

Json network_json(const Outline& outline) {
  Json found;
  found["src"] = shape_json(outline.src);
  found["parameters"] = static_cast<Index>(outline.parameters);
  found["flops"] = outline.flops;
  found["training bytes"] = std::round(outline.training_bytes(kToldBatch, kToldSlice));
  for (const OutlineRow& row : outline.rows) {
    found["layers"].push_back({{"name", row.name},
                               {"kind", row.kind},
                               {"settings", row.settings},
                               {"depth", row.depth},
                               {"dst", shape_json(row.dst)},
                               {"parameters", static_cast<Index>(row.parameters)},
                               {"flops", row.flops}});
  }
  return found;
}

std::string network_text(const Outline& outline) {
  const auto line = [](std::string what, const std::string& dst, const std::string& parameters,
                       const std::string& flops, const std::string& name) {
    // What finds no room stands on a line of its own: the columns stay where they are.
    if (what.size() > kWhatColumns) what += "\n" + std::string(kWhatColumns, ' ');
    std::string text =
        fmt::format("{:<{}}{:>12}{:>8}{:>8}", what, kWhatColumns, dst, parameters, flops);
    const std::size_t used = text.size() - (text.find('\n') + 1);
    if (used + 2 + name.size() <= kTableColumns) return text + "  " + name + "\n";
    text.erase(text.find_last_not_of(' ') + 1);
    return text + fmt::format("\n{:>{}}\n", name, kTableColumns);
  };
  std::string text = line("  layer", "dst", "params", "FLOPs", "name") +
                     line("  (samples)", compact(outline.src), "", "", "input");
  for (const OutlineRow& row : outline.rows) {
    std::string what(static_cast<std::size_t>(2 * row.depth + 2), ' ');
    what += printable(row.kind);
    if (!row.settings.empty()) what += " " + row.settings;
    text += line(what, compact(row.dst), row.parameters > 0 ? count_text(row.parameters) : "",
                 row.flops > 0 ? count_text(row.flops) : "", printable(row.name));
  }
  text += fmt::format(
      "  {} parameters, {} FLOPs a sample forward;\n"
      "  a training step of {} takes about {}B besides data and losses\n",
      count_text(outline.parameters), count_text(outline.flops), kToldBatch,
      count_text(outline.training_bytes(kToldBatch, kToldSlice)));
  return text;
}

Outline outline_of_recipe(const std::string& path, const std::string& size) {
  Recipe recipe = Recipe::from_file(path);
  if (!size.empty()) {
    Section model = recipe.root().section("model");
    const Architecture architecture = read_architecture(model, size_named(size));
    // The trainer's, who is not asked here.
    for (const char* key : {"slice", "lanes"}) {
      Index value = 0;
      model.read(key, value, "see `kindred list model`");
    }
    model.finish();
    return outline_of(architecture);
  }
  try {
    return outline_of(read_setup(recipe, recipe.folder()).architecture);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::no_input) throw;
    fail(ErrorKind::no_input,
         fmt::format("{}; a network depends on the size of its samples: without the data set "
                     "say it, for vectors --size 768, for pictures --size 28x28x1",
                     error.what()));
  }
}

}  // namespace kindred::tools
