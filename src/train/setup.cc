#include "kindred/train/setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "core/texts/did_you_mean.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/memory.h"
#include "kindred/core/text.h"
#include "kindred/data/reader.h"
#include "train/parameter_rules.h"
#include "train/sections.h"
#include "train/setup_on_data.h"
#include "train/step_limit.h"

namespace kindred {
namespace {

std::string absolute_path(const std::string& path, const std::string& folder) {
  const std::filesystem::path joined = std::filesystem::path(folder) / path_of_text(path);
  return std::filesystem::absolute(joined).lexically_normal().string();
}

// Batches that are read ahead must not be most of the memory.
void check_read_ahead(Section data, Index memory, const Setup& setup) {
  constexpr Index kShare = 8;
  const Index bytes = (Reader::kAhead + 1) * setup.batch() * setup.dataset->sample_bytes();
  if (setup.dataset->in_memory() || bytes <= memory / kShare) return;
  // A small data set is held by less.
  const Index to_hold = setup.dataset->bytes_to_hold();
  const Index least = to_hold > 0 ? std::min(to_hold, bytes * kShare) : bytes * kShare;
  data.fail(
      fmt::format("memory = {} is too little to stream batches of {} samples: those read "
                  "ahead take {}; the least is \"{}KiB\", or take smaller batches",
                  text_of_bytes(memory), setup.batch(), text_of_bytes(bytes),
                  blocks_of(least, Index{1} << 10)));
}

// In the order of the file.
std::vector<Index> training_samples(const TrainingSet& set) {
  std::vector<Index> samples;
  samples.reserve(set.entries.size());
  for (const TrainingSet::Entry& entry : set.entries) {
    if (entry.turns == 0) samples.push_back(entry.sample);
  }
  std::sort(samples.begin(), samples.end());
  return samples;
}

// batch % slice = 0, or the nearest sizes that do.
void check_slices(Section model, Setup& setup) {
  const Index batch = setup.batch();
  const Index slice = setup.train.slice;
  if (batch % slice != 0) {
    std::vector<Index> fits;
    for (Index size = 1; size <= batch; ++size) {
      if (batch % size == 0) fits.push_back(size);
    }
    const auto above = std::upper_bound(fits.begin(), fits.end(), slice);
    const std::string nearest_sizes = above == fits.end() ? fmt::format("{}", fits.back())
                                      : above == fits.begin()
                                          ? fmt::format("{}", *above)
                                          : fmt::format("{} or {}", *(above - 1), *above);
    const Index below = batch / slice * slice;
    const std::string batches =
        below == 0 ? fmt::format("{}", slice) : fmt::format("{} or {}", below, below + slice);
    model.fail(
        fmt::format("slice = {}: a batch of {} does not divide into such slices; use slice "
                    "= {}, or a batch of {}",
                    slice, batch, nearest_sizes, batches));
  }
  const Index slices = setup.slices();
  if (setup.train.gradient_rows == 0) setup.train.gradient_rows = std::min<Index>(slices, 16);
  if (setup.train.gradient_rows > slices) {
    model.fail(fmt::format("lanes = {}: a batch of {} has only {} slices of {}; use at most that",
                           setup.train.gradient_rows, batch, slices, slice));
  }
}

/// What follows from the rest.
void finish_setup(Setup& setup) {
  const std::vector<std::string> metrics = selecting_metrics();
  if (std::find(metrics.begin(), metrics.end(), setup.train.select) == metrics.end()) {
    fail(ErrorKind::recipe, fmt::format("{}: [train] select = '{}': expected one of {}{}",
                                        setup.origin, setup.train.select, fmt::join(metrics, ", "),
                                        did_you_mean(setup.train.select, metrics)));
  }
  check_parameter_rules(setup);
  setup.scaling =
      measure_scaling(*setup.dataset, training_samples(setup.set), &setup.training_rows);
  if (setup.train.planned_steps == 0) {
    const Index epoch = setup.sampler->steps_per_epoch();
    if (setup.train.epochs > kMostSteps / epoch) {
      fail(ErrorKind::recipe,
           fmt::format("{}: [train] epochs = {} of {} steps each: at most {} steps are planned",
                       setup.origin, setup.train.epochs, epoch, kMostSteps));
    }
    setup.train.planned_steps = setup.train.epochs * epoch;
  }
}

/// What comes before the data, which may take long to open.
Setup begin_setup(Section root, const std::string& folder) {
  Setup setup;
  setup.seed = read_seed(root);
  read_train(root.section("train"), setup.train);
  if (!setup.train.initial.empty()) {
    setup.train.initial = absolute_path(setup.train.initial, folder);
  }
  read_slices(root.section("model"), setup.train);
  return setup;
}

/// What follows once the data set is there.
void read_rest(Recipe& recipe, const DataSettings& asked, Setup& setup) {
  Section root = recipe.root();
  Section model = root.section("model");
  setup.set = make_training_set(*setup.dataset, asked.set, setup.seed);
  setup.sampler = read_sampler(root.section("sampler"), setup.set, setup.seed);
  check_read_ahead(root.section("data"), asked.memory, setup);
  setup.augment = read_augment(root.section("augment"));
  setup.architecture = read_architecture(model, setup.dataset->shape());
  require(setup.architecture.precision);
  check_slices(model, setup);
  model.finish();

  setup.origin = recipe.origin();
  finish_setup(setup);
  for (Section loss : root.sections("loss")) setup.losses.push_back(loss.take_settings());
  setup.optimizer = root.section("optimizer").take_settings();
}

}  // namespace

Setup read_setup(Recipe& recipe, const std::string& folder) {
  Section root = recipe.root();
  Setup setup = begin_setup(root, folder);
  Section data = root.section("data");
  const bool named = data.has("file");
  const DataSettings asked = read_data(data);
  setup.data_path = absolute_path(asked.file, folder);
  if (!named && !exists(setup.data_path)) {
    data.fail(
        fmt::format("names no file, and the default is not there ({}); name the data set: "
                    "file = \"DATA.h5\"",
                    setup.data_path));
  }
  setup.dataset =
      std::make_unique<Dataset>(Dataset::open(setup.data_path, asked.memory, asked.names));
  read_rest(recipe, asked, setup);
  return setup;
}

Setup read_setup(Recipe& recipe, const std::string& folder, std::unique_ptr<Dataset> dataset) {
  if (!dataset) return read_setup(recipe, folder);
  Section root = recipe.root();
  Setup setup = begin_setup(root, folder);
  Section data = root.section("data");
  const DataSettings asked = read_data(data);
  data.settle("file", dataset->path());
  setup.data_path = dataset->path();
  setup.dataset = std::move(dataset);
  read_rest(recipe, asked, setup);
  return setup;
}

Setup make_setup(const TrainingSettings& settings, std::unique_ptr<Dataset> dataset) {
  Setup setup;
  setup.seed = settings.seed;
  setup.train = settings.train;
  setup.data_path = dataset->path();
  setup.dataset = std::move(dataset);
  setup.set = make_training_set(*setup.dataset, settings.set, setup.seed);
  setup.sampler = make_sampler(settings.sampler, setup.set, setup.seed);
  setup.augment = settings.augment;
  setup.architecture = settings.architecture;
  if (setup.architecture.src != setup.dataset->shape()) {
    const Shape& wanted = setup.architecture.src;
    const Shape& found = setup.dataset->shape();
    fail(ErrorKind::recipe,
         fmt::format("the architecture takes {} x {} x {}, the samples are {} x {} x {} (height x "
                     "width x channels)",
                     wanted.height, wanted.width, wanted.channels, found.height, found.width,
                     found.channels));
  }
  require(setup.architecture.precision);
  Recipe recipe;
  check_slices(recipe.root().section("model"), setup);
  finish_setup(setup);
  setup.losses = settings.losses;
  setup.optimizer = settings.optimizer;
  return setup;
}

}  // namespace kindred
