#include "bench/bench_reference.h"

#include <fmt/format.h>

#include <filesystem>

#include "kindred/core/text.h"

namespace kindred::tools {
namespace {

/// A network by --architecture, and the images it is measured with unless told otherwise.
struct Kind {
  std::string_view name;
  Shape src;
  std::string_view model;
};
constexpr Kind kKinds[] = {
    {"conv4", {1, 28, 28}, "width = 64\npool_last = true\n"},
    {"resnet", {3, 32, 32}, "widths = [32, 64, 128]\nblocks = 1\npooling = \"average\"\n"},
    {"mlp", {1, 28, 28}, "hidden = [512, 512]\n"},
    {"mobilefacenet", {3, 112, 112}, ""},
    {"resnet18", {3, 112, 112}, ""},
};

constexpr std::string_view kRecipe = R"(
seed = 1
[sampler]
{}
[model]
architecture = "{}"
{}
embedding = 128
slice = 16
[[loss]]
name = "softmax"
[[loss]]
name = "triplet"
mining = "hard"
[[loss]]
name = "center"
weight = 0.01
[optimizer]
name = "adam"
learning_rate = 1e-3
)";

const Kind& kind_of(const BenchOptions& options) {
  for (const Kind& kind : kKinds) {
    if (kind.name == options.architecture) return kind;
  }
  return kKinds[0];
}

Shape shape_of(const BenchOptions& options) {
  Shape shape = kind_of(options).src;
  if (options.size > 0) shape.height = shape.width = options.size;
  if (options.channels > 0) shape.channels = options.channels;
  return shape;
}

Recipe recipe_of(const Kind& kind, std::string_view sampler) {
  return Recipe::from_text(fmt::format(kRecipe, sampler, kind.name, kind.model),
                           "the reference recipe");
}

}  // namespace

Reference::Reference(const BenchOptions& options, std::string_view sampler)
    : data(options.data, shape_of(options)), recipe(recipe_of(kind_of(options), sampler)) {
  recipe.set("data.file=" +
             json_text(text_of_path(std::filesystem::absolute(data.path()).string())));
  if (!options.precision.empty()) recipe.set("model.precision=" + options.precision);
  for (const std::string& assignment : options.assignments) recipe.set(assignment);
  setup = std::make_unique<Setup>(read_setup(recipe, ""));
  recipe.finish();
}

std::string Reference::title() const {
  const Shape& src = setup->architecture.src;
  return fmt::format("{} {}x{}x{}, {}", setup->architecture.name, src.height, src.width,
                     src.channels, name_of(setup->architecture.precision));
}

BenchResult Reference::result(const std::string& name, const std::string& what, double image_flops,
                              const Rates& rates, const Machine& machine) const {
  BenchResult result;
  result.name = name;
  result.title = what + " " + title();
  result.unit = "images";
  result.rates = rates;
  result.unit_flops = image_flops;
  result.peak = machine.product(in_bfloat16());
  result.memory = peak_memory();
  result.numbers["precision"] = name_of(setup->architecture.precision);
  result.numbers["slice"] = setup->train.slice;
  return result;
}

}  // namespace kindred::tools
