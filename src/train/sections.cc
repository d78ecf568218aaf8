#include "train/sections.h"

#include <fmt/format.h>

#include "eval/retrieval/rank_metrics.h"
#include "kindred/core/error.h"
#include "kindred/core/memory.h"
#include "kindred/data/augment.h"
#include "kindred/data/sampler.h"
#include "kindred/loss/weight_schedule.h"
#include "kindred/nn/architecture.h"
#include "kindred/train/optimizer.h"
#include "kindred/train/schedule.h"
#include "kindred/train/sections.h"
#include "train/step_limit.h"

namespace kindred {
namespace {

constexpr double kMany = 1e15;

void read_parameter_keys(Section section, ParameterRule& rule) {
  section.read(
      "match", rule.match,
      "names of layers, as `kindred inspect MODEL` has them; * is any text, ? a character");
  section.read("learning_rate_factor", rule.learning_rate_factor,
               "times the learning rate, for their parameters", {0, 1e6});
  section.read("frozen", rule.frozen, "their parameters and running statistics stay as they are");
  section.read("freeze_until", rule.freeze_until,
               "frozen up to this part of the planned steps, for instance 0.2", {0, 1});
}

void list_top_level(Section root) { read_seed(root); }
void list_data(Section data) { read_data(data); }
void list_augment(Section augment) { read_augment(augment); }
void list_train(Section train) {
  TrainSettings settings;
  read_train(train, settings);
}

void list_parameter_rule(Section rule) {
  ParameterRule settings;
  read_parameter_keys(rule, settings);
}

// Of the first, as of the default architecture: the registries have the others.
void list_sampler(Section sampler) {
  TrainingSet set;
  set.classes = 64;
  for (std::int32_t i = 0; i < 64 * 8; ++i) set.entries.push_back({i, i / 8, 0});
  read_sampler(sampler, set, 1);
}

void list_model(Section model) {
  TrainSettings settings;
  read_slices(model, settings);
  read_architecture(model, {.channels = 1, .height = 16, .width = 16});
}

void list_loss(Section loss) {
  std::string name;
  loss.read("name", name, "which loss; `kindred list losses` shows them");
  const WeightSchedule weight(loss);
}

void list_optimizer(Section optimizer) {
  ParameterTable table;
  table.add("weights", {4});
  read_optimizer(optimizer, table);
  read_learning(optimizer);
  const Schedule schedule(optimizer);
}

constexpr SectionListing kSections[] = {
    {"", "top level", list_top_level},
    {"data", "[data]: the data set, and what of it is trained on", list_data},
    {"sampler",
     "[sampler]: how batches are made, here by pxk; `kindred list samplers` has the others",
     list_sampler},
    {"augment", "[augment]: random changes of each image; all off by default", list_augment},
    {"model", "[model]: the network, here conv4; `kindred list architectures` has the others",
     list_model},
    {"loss", "[[loss]]: what is trained for; `kindred list losses` has what each takes besides",
     list_loss},
    {"optimizer",
     "[optimizer]: how weights move, here by adam; `kindred list optimizers` has the others",
     list_optimizer},
    {"train", "[train]: how long, and what is looked at meanwhile", list_train},
    {"train.parameters",
     "[[train.parameters]]: how some layers are trained; the last that matches a layer counts",
     list_parameter_rule},
};

}  // namespace

std::span<const SectionListing> list_sections() { return kSections; }

std::uint64_t read_seed(Section root) {
  Index seed = 1;
  root.read("seed", seed, "of all random numbers", {0, 9e15});
  return static_cast<std::uint64_t>(seed);
}

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

DataSettings read_data(Section section) {
  DataSettings data;
  data.file = read_data_file(section);
  section.read("images", data.names.images,
               "in a file of somebody else: its data set of images or vectors");
  section.read("labels", data.names.labels,
               "its labels; NAME:COLUMN where there are several a sample");
  section.read_choice("layout", data.names.layout, {"", "nhwc", "nchw"},
                      "the order of its axes, where it is not what it looks like");
  section.read_choice("negative_labels", data.names.negative_labels, {"", "drop", "class"},
                      "samples with a negative label: left out, or classes like others (default: "
                      "an error)");
  data.memory = read_memory(section);
  section.read("validation_classes", data.set.validation_classes,
               "classes of the training split kept out for validation (whole alphabets)",
               {0, kMany});
  section.read("quarter_turns", data.set.quarter_turns,
               "each class turned by 90, 180 and 270 degrees is a further class");
  section.read("min_class_size", data.set.min_class_size,
               "classes with fewer training samples are dropped", {1, kMany});
  section.finish();
  return data;
}

ParameterRule read_parameter_rule(Section section) {
  ParameterRule rule;
  read_parameter_keys(section, rule);
  if (rule.match.empty()) section.fail("match names no layer, for instance match = \"stages.*\"");
  if (rule.frozen && rule.freeze_until > 0) {
    section.fail("frozen = true is for the whole run, freeze_until for its beginning; give one");
  }
  section.finish();
  return rule;
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
  section.read_choice("select", train.select, selecting_metrics(),
                      "validation metric that chooses the model");
  section.read("initial", train.initial,
               "a model or checkpoint whose weights are taken over where they fit");
  section.read("recompute", train.recompute,
               "each slice goes forward again before it goes back: memory for one slice a thread, "
               "whatever the batch, the same bits, more time (gradient caching, Gao et al. 2021)");
  section.read("average", train.average,
               "decay of the moving average of the weights that is evaluated and kept; 0: off",
               {0, 0.999999});
  for (Section rule : section.sections("parameters")) {
    train.parameters.push_back(read_parameter_rule(rule));
  }
  section.finish();
}

void read_slices(Section section, TrainSettings& train) {
  section.read("slice", train.slice, "samples a task takes through the network at once", {1, 4096});
  section.read("lanes", train.gradient_rows,
               "gradient rows that slices are summed into; 0: min(slices, 16)", {0, 65536});
}

LearningSettings read_learning(Section section) {
  LearningSettings learning;
  section.read("learning_rate", learning.learning_rate, "at the schedule's peak", {0, 1e6});
  section.read("clip_norm", learning.clip_norm,
               "gradients longer than this are shortened to it; 0: off", {0, 1e30});
  return learning;
}

std::vector<std::string> selecting_metrics() {
  std::vector<std::string> names;
  for (const RankMetric& metric : rank_metrics(RetrievalOptions())) names.push_back(metric.name);
  return names;
}

}  // namespace kindred
