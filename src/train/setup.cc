#include "kindred/train/setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "kindred/core/error.h"
#include "kindred/core/memory.h"
#include "kindred/core/text.h"
#include "kindred/data/reader.h"

namespace kindred {
namespace {

constexpr double kMany = 1e15;
constexpr Index kMostSteps = 100'000'000'000;  // times a batch is far from what an Index holds

std::string absolute_path(const std::string& path, const std::string& folder) {
  const std::filesystem::path joined = std::filesystem::path(folder) / path_of_text(path);
  return std::filesystem::absolute(joined).lexically_normal().string();
}

void read_train(Section section, TrainSettings& train) {
  section.read("epochs", train.epochs, "passes over the training samples",
               {1, static_cast<double>(kMostSteps)});
  section.read("steps", train.steps, "stop after so many steps; 0: all that are planned",
               {0, static_cast<double>(kMostSteps)});
  section.read("planned_steps", train.planned_steps,
               "the length schedules refer to; 0: epochs x steps per epoch",
               {0, static_cast<double>(kMostSteps)});
  section.read("evaluate_every", train.evaluate_every,
               "epochs between evaluations on the validation classes; 0: at the end only",
               {0, kMany});
  section.read("checkpoint_every", train.checkpoint_every,
               "steps between checkpoints; 0: after each epoch", {0, kMany});
  section.read("keep_checkpoints", train.keep_checkpoints, "newest checkpoints that are kept",
               {1, 1e6});
  section.read("select", train.select, "validation metric that chooses the model");
  section.read("initial", train.initial, "a model whose weights are taken over where they fit");
  section.read("recompute", train.recompute,
               "each slice goes forward again before it goes back: memory for one slice a thread, "
               "whatever the batch, the same bits, more time (gradient caching, Gao et al. 2021)");
  section.read("average", train.average,
               "decay of the moving average of the weights that is evaluated and kept; 0: off",
               {0, 0.999999});
  section.finish();
}

// [model] keys that are the trainer's, not the network's.
void read_model(Section section, TrainSettings& train) {
  section.read("slice", train.slice, "samples a task takes through the network at once", {1, 4096});
  section.read("lanes", train.lanes,
               "gradient rows that slices are summed into; 0: min(slices, 16)", {0, 65536});
}

// Batches that are read ahead must not be most of the memory.
void check_read_ahead(Section data, Index memory, const Setup& setup) {
  constexpr Index kShare = 8;
  const Index bytes = (Reader::kAhead + 1) * setup.batch() * setup.dataset->sample_bytes();
  if (setup.dataset->in_memory() || bytes <= memory / kShare) return;
  data.fail(
      fmt::format("memory = {} is too little to stream batches of {} samples: those read "
                  "ahead take {}; the least is \"{}MiB\", or take smaller batches",
                  text_of_bytes(memory), setup.batch(), text_of_bytes(bytes),
                  blocks_of(bytes * kShare, Index{1} << 20)));
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
    model.fail(fmt::format(
        "slice = {}: a batch of {} does not divide into such slices; use slice = {}, or a batch "
        "of {} or {}",
        slice, batch, nearest_sizes, std::max<Index>(1, batch / slice) * slice,
        (batch / slice + 1) * slice));
  }
  const Index slices = setup.slices();
  if (setup.train.lanes == 0) setup.train.lanes = std::min<Index>(slices, 16);
  if (setup.train.lanes > slices) {
    model.fail(fmt::format("lanes = {}: a batch of {} has only {} slices of {}; use at most that",
                           setup.train.lanes, batch, slices, slice));
  }
}

/// What follows from the rest.
void finish_setup(Setup& setup) {
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

}  // namespace

Index read_memory(Section data) {
  std::string text = "half";
  data.read(
      "memory", text,
      "what training may take in all: samples up to three quarters of it are loaded, more are "
      "streamed; KiB, MiB, GiB, or 'half' of what the process may have");
  if (text == "half") return machine_memory() / 2;
  const std::optional<Index> bytes = parse_bytes(text);
  if (!bytes) {
    data.fail(
        fmt::format("memory = '{}': expected a size such as \"512MiB\" or \"2GiB\", or "
                    "\"half\" of what the process may have",
                    text));
  }
  return *bytes;
}

std::string read_data_file(Section data) {
  std::string file = "omniglot28.h5";
  data.read("file", file, "the data set, relative to the recipe");
  if (file.empty()) fail(ErrorKind::recipe, "data.file is empty; name the data set");
  return file;
}

Setup read_setup(Recipe& recipe, const std::string& folder) {
  Setup setup;
  Section root = recipe.root();
  Index seed = 1;
  root.read("seed", seed, "of all random numbers", {0, 9e15});
  setup.seed = static_cast<std::uint64_t>(seed);

  read_train(root.section("train"), setup.train);
  if (!setup.train.initial.empty()) {
    setup.train.initial = absolute_path(setup.train.initial, folder);
  }
  Section model = root.section("model");
  read_model(model, setup.train);

  Section data = root.section("data");
  const std::string file = read_data_file(data);
  TrainingSetSettings set_settings;
  DatasetNames names;
  data.read("images", names.images,
            "in a file of somebody else: its data set of images or vectors");
  data.read("labels", names.labels, "its labels; NAME:COLUMN where there are several a sample");
  data.read_choice("layout", names.layout, {"", "nhwc", "nchw"},
                   "the order of its axes, where it is not what it looks like");
  data.read_choice("negative_labels", names.negative_labels, {"", "drop", "class"},
                   "samples with a negative label: left out, or classes like others (default: an "
                   "error)");
  const Index memory = read_memory(data);
  data.read("validation_classes", set_settings.validation_classes,
            "classes of the training split kept out for validation (whole alphabets)", {0, kMany});
  data.read("quarter_turns", set_settings.quarter_turns,
            "each class turned by 90, 180 and 270 degrees is a further class");
  data.read("min_class_size", set_settings.min_class_size,
            "classes with fewer training samples are dropped", {1, kMany});
  data.finish();
  setup.data_path = absolute_path(file, folder);
  setup.dataset = std::make_unique<Dataset>(Dataset::open(setup.data_path, memory, names));
  setup.set = make_training_set(*setup.dataset, set_settings, setup.seed);

  setup.sampler = read_sampler(root.section("sampler"), setup.set, setup.seed);
  check_read_ahead(data, memory, setup);
  setup.augment = read_augment(root.section("augment"));
  setup.architecture = read_architecture(model, setup.dataset->shape());
  require(setup.architecture.precision);
  check_slices(model, setup);
  model.finish();

  setup.origin = recipe.origin();
  finish_setup(setup);
  for (Section loss : root.sections("loss")) setup.losses.push_back(loss.take_settings());
  setup.optimizer = root.section("optimizer").take_settings();
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
