#include "kindred/train/recipe_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <system_error>

#include "kindred/core/error.h"
#include "kindred/core/recipe.h"
#include "kindred/core/text.h"
#include "train/choose/batch_choice.h"
#include "train/choose/enough_classes.h"
#include "train/choose/network_choice.h"
#include "train/choose/recipe_lines.h"

namespace kindred {
namespace {

constexpr Index kEvaluations = 8;      // in a run
constexpr double kForTraining = 0.92;  // of the time; the rest is checkpoints and their like
constexpr double kEmbedFaster = 2.5;   // than training, at least
constexpr Index kLeastSteps = 20;      // whatever the time

std::string text_value(const std::string& text) {
  std::string value = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') value += '\\';
    value += c;
  }
  return value + "\"";
}

std::string size_of(const Shape& shape) {
  return fmt::format("{} x {} x {}", shape.height, shape.width, shape.channels);
}

/// Writes the recipe of some facts, a section a function.
class Chooser {
 public:
  explicit Chooser(const RecipeFacts& facts)
      : facts_(facts), lines_(facts.assignments), vectors_(facts.element == Element::f32) {
    classes_ = static_cast<Index>(facts.class_sizes.size());
    choose_validation();
    batch_ = choose_batch(facts.class_sizes, reserved_);
    if (batch_.batch() == 0) {  // none can be spared
      carved_ = reserved_ = 0;
      batch_ = choose_batch(facts.class_sizes, 0);
    }
    batch_size_ = facts.batch > 0 ? facts.batch : batch_.batch();
    choose_length();
  }

  RecipeChoice choose() {
    describe();
    lines_.line("seed", "1", "another one: another draw of everything random");
    write_data();
    write_sampler();
    if (!vectors_) write_augment();
    write_model();
    write_losses();
    write_optimizer();
    write_train();
    RecipeChoice choice;
    choice.text = lines_.text();
    choice.steps = steps_;
    choice.passes = passes();
    return choice;
  }

 private:
  bool plans_are_said() const {
    return lines_.is_said("train.epochs") || lines_.is_said("train.planned_steps") ||
           lines_.is_said("train.steps");
  }
  double passes() const {
    return static_cast<double>(steps_ * batch_size_) /
           static_cast<double>(std::max<Index>(1, batch_.kept_samples));
  }

  void choose_validation() {
    if (facts_.validation_samples > 0 || classes_ < kEnoughClasses) return;
    // Families of classes are kept together: one more than asked for, at the worst.
    const Index wanted = validation_classes_of(classes_);
    if (wanted + facts_.largest_family > classes_ / 2) return;
    carved_ = wanted;
    reserved_ = wanted + facts_.largest_family - 1;
  }

  void choose_length() {
    if (facts_.images_per_second <= 0) return;
    const double validation =
        static_cast<double>(facts_.validation_samples) +
        static_cast<double>(carved_ * batch_.kept_samples) / static_cast<double>(classes_);
    const double looked_at =
        validation * (kEvaluations + 1) + static_cast<double>(facts_.test_samples);
    const double seconds =
        facts_.seconds * kForTraining - looked_at / (kEmbedFaster * facts_.images_per_second);
    const double steps = seconds * facts_.images_per_second / static_cast<double>(batch_size_);
    steps_ = std::max(kLeastSteps, static_cast<Index>(std::min(steps, 1e9)));
  }

  void describe() {
    Index samples = 0;
    for (const Index size : facts_.class_sizes) samples += size;
    lines_.comment(fmt::format(
        "Chosen for {}: {} {} for training, {} classes, {}.", facts_.file, samples,
        vectors_ ? "vectors" : "pictures", classes_,
        vectors_ ? fmt::format("{} numbers each", facts_.shape.channels) : size_of(facts_.shape)));
    for (const std::string& why : facts_.why) lines_.comment("- " + why + ".");
    if (facts_.images_per_second > 0) {
      lines_.comment(
          fmt::format("On this machine it trains about {:.0f} {} a second ({} thread{}, measured).",
                      facts_.images_per_second, vectors_ ? "vectors" : "pictures", facts_.threads,
                      facts_.threads == 1 ? "" : "s"));
    }
    lines_.comment(
        "Any key can be changed here, or for one run with --set section.key=value; `kindred list` "
        "explains them.");
  }

  void write_data() {
    lines_.section("data");
    lines_.line("file", text_value(text_of_path(facts_.file)));
    const DatasetNames& names = facts_.names;
    for (const auto& [key, value] : {std::pair{"images", &names.images},
                                     {"labels", &names.labels},
                                     {"layout", &names.layout},
                                     {"negative_labels", &names.negative_labels}}) {
      if (!value->empty()) lines_.line(key, text_value(*value));
    }
    if (carved_ > 0) {
      lines_.line(
          "validation_classes", std::to_string(carved_),
          fmt::format("of {}, kept out of training: the model is chosen by classes it never "
                      "saw, as those it will be used on",
                      classes_));
    } else if (facts_.validation_samples == 0 && !lines_.is_said("data.validation_classes")) {
      lines_.comment(
          "No classes or samples can be spared for validation: the last model is kept. kindred "
          "import --split classes or samples with --validation 0.2 draws some.");
    }
    if (batch_.min_class_size > 1) {
      const Index lost = classes_ - batch_.kept_classes;
      lines_.line("min_class_size", std::to_string(batch_.min_class_size),
                  lost > 0
                      ? fmt::format("{} classes have fewer and are not trained on: a batch has "
                                    "so many of each",
                                    lost)
                      : "all classes have so many");
    }
  }

  void write_sampler() {
    lines_.section("sampler");
    if (lines_.is_said("sampler.name") && lines_.said("sampler.name") != "\"pxk\"") return;
    lines_.line("name", "\"pxk\"", "so that each picture meets others of its class");
    lines_.line("classes", std::to_string(batch_.classes),
                "in a batch: the more, the more kinds of others to be told from");
    lines_.line("samples_per_class", std::to_string(batch_.samples_per_class),
                fmt::format("so batches of {}", batch_.batch()));
  }

  void write_augment() {
    lines_.section("augment");
    if (facts_.drawn) {
      lines_.line("flip", "false", "these look like writing, and mirrored letters are others");
    } else {
      lines_.line("flip", "true",
                  "mirrored pictures show the same, unless there is writing or left and right "
                  "matter: then false");
    }
    lines_.line("rotate_degrees", facts_.drawn ? "10" : "15",
                "as a camera or a hand is held; 180 where things lie at any angle");
    lines_.line("scale", "0.15");
    if (facts_.drawn) lines_.line("shear", "0.2");
    lines_.line("shift", facts_.drawn ? "0.08" : "0.1");
    if (facts_.drawn) return;
    lines_.line("brightness", "0.3", "other light");
    lines_.line("contrast", "0.3");
    if (facts_.shape.channels == 3) {
      lines_.line("grey", "0.3",
                  "of the pictures lose their colours, so that shapes are learnt, too; 0 where the "
                  "colour is what counts");
    }
  }

  void write_model() {
    lines_.section("model");
    const auto networks = networks_for(facts_);
    const int last = static_cast<int>(networks.size()) - 1;
    const NetworkChoice& network =
        networks[static_cast<std::size_t>(std::clamp(facts_.network, 0, last))];
    if (!lines_.is_said("model.architecture") && !lines_.is_said("model.layers")) {
      lines_.comment(network.why + ".");
      for (const auto& [key, value] : network.keys) lines_.line(key, value);
    }
    lines_.line("slice", std::to_string(batch_.slice), "samples a thread takes at once");
  }

  void write_loss(int number, const std::string& name,
                  const std::vector<std::pair<std::string, std::string>>& keys,
                  const std::string& why) {
    lines_.section("loss", true);
    lines_.line("name", text_value(name), why);
    if (lines_.is_said(fmt::format("loss.{}.name", number))) return;  // keys of another one
    for (const auto& [key, value] : keys) lines_.line(key, value);
  }

  void write_losses() {
    if (vectors_) {
      write_loss(0, "proxy_anchor", {{"learning_rate_factor", "10"}},
                 "each class has a proxy that draws its vectors and repels others; they learn "
                 "faster, as each has few gradients");
      write_loss(1, "supcon", {{"weight", "0.5"}},
                 "and within a batch kin are drawn together against all others");
      return;
    }
    write_loss(0, "softmax", {}, "tells all classes apart at once: quick, and hard to upset");
    write_loss(1, "supcon", {},
               "supervised contrast: kin in a batch near, others far, which is what the embedding "
               "is used for");
  }

  void write_optimizer() {
    lines_.section("optimizer");
    if (lines_.is_said("optimizer.name") && lines_.said("optimizer.name") != "\"adamw\"") {
      lines_.line("learning_rate", "1e-3");
    } else {
      lines_.line("name", "\"adamw\"", "sets each weight's pace by itself: little to tune");
      lines_.line("learning_rate",
                  vectors_       ? "1e-3"
                  : facts_.drawn ? "2e-3"
                                 : "4e-3",
                  "at its peak; a third of it where the loss jumps about");
      lines_.line("weight_decay", "1e-2");
    }
    lines_.line("schedule", "\"cosine\"", "the rate falls to 0 at the planned end");
    lines_.line("warm_up", "0.05");
  }

  void write_train() {
    lines_.section("train");
    const Index epoch = std::max<Index>(1, batch_.kept_samples / batch_size_);  // its steps
    Index steps = steps_;
    if (plans_are_said()) {
      steps = said_steps(epoch);
      // So many steps and no other length: the schedule ends with them.
      if (!lines_.is_said("train.epochs") && !lines_.is_said("train.planned_steps") && steps > 0) {
        lines_.line("planned_steps", std::to_string(steps), "as train.steps, which --set says");
      }
    } else if (steps > 0) {
      lines_.line("planned_steps", std::to_string(steps),
                  fmt::format("{:.3g} passes over the samples, about {} on this machine; the same "
                              "number gives the same model",
                              passes(), time_of(facts_.seconds)));
    }
    if (steps > 0) {
      lines_.line("evaluate_every",
                  std::to_string(blocks_of(std::max(steps / epoch, kEvaluations), kEvaluations)),
                  "epochs: it is looked at some 8 times, and the best is kept");
      lines_.line("checkpoint_every", std::to_string(std::max<Index>(1, steps / kEvaluations)),
                  "steps: what Ctrl-C or a power cut costs at most");
    }
    lines_.line("select", "\"map@r\"", "steadier than recall@1");
  }

  // 0 where it is no such number: whoever reads the recipe says so.
  Index said_number(const char* key) const {
    const std::string text = lines_.said(key);
    Index number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    constexpr Index kMost = Index{1} << 40;
    return read.ec == std::errc() ? std::clamp<Index>(number, 0, kMost) : 0;
  }
  Index said_steps(Index epoch) const {
    if (lines_.is_said("train.planned_steps")) return said_number("train.planned_steps");
    if (lines_.is_said("train.epochs")) return said_number("train.epochs") * epoch;
    return said_number("train.steps");
  }

  static std::string time_of(double seconds) {
    return seconds < 100 ? fmt::format("{:.0f} s", seconds)
                         : fmt::format("{:.0f} min", seconds / 60);
  }

  const RecipeFacts& facts_;
  RecipeLines lines_;
  bool vectors_;
  Index classes_ = 0;
  Index carved_ = 0;    // by data.validation_classes
  Index reserved_ = 0;  // classes that these may be
  BatchChoice batch_;
  Index batch_size_ = 1;  // batch_'s, unless --set says others
  Index steps_ = 0;
};

// Of one channel, nearly all black or white.
bool looks_drawn(const Dataset& dataset) {
  if (dataset.element() != Element::u8 || dataset.shape().channels != 1) return false;
  constexpr Index kLookedAt = 64;
  constexpr int kNear = 40;  // to black or white, of 255
  std::vector<std::byte> pixels(static_cast<std::size_t>(dataset.sample_bytes()));
  Index extreme = 0;
  const Index count = std::min(kLookedAt, dataset.size());
  for (Index i = 0; i < count; ++i) {
    const Index sample = i * dataset.size() / count;
    dataset.read(std::span(&sample, 1), pixels.data());
    extreme += std::ranges::count_if(pixels, [](std::byte value) {
      const int v = std::to_integer<int>(value);
      return v <= kNear || v >= 255 - kNear;
    });
  }
  return extreme * 20 >= count * static_cast<Index>(pixels.size()) * 17;
}

std::string family_of(const std::string& name) { return name.substr(0, name.find('/')); }

}  // namespace

RecipeFacts facts_of(const Dataset& dataset) {
  if (!dataset.has_labels()) {
    fail(ErrorKind::data,
         fmt::format("{}: has no labels: what is near to what is learnt from samples of which is "
                     "known what they show; add /labels (datasets/README.md)",
                     dataset.path()));
  }
  RecipeFacts facts;
  facts.file = dataset.path();
  facts.shape = dataset.shape();
  facts.element = dataset.element();
  facts.drawn = looks_drawn(dataset);
  facts.validation_samples = static_cast<Index>(dataset.samples_of(Split::validation).size());
  facts.test_samples = static_cast<Index>(dataset.samples_of(Split::test).size());
  std::map<std::int64_t, Index> sizes;
  for (const Index sample : dataset.samples_of(Split::train)) {
    ++sizes[dataset.labels()[static_cast<std::size_t>(sample)]];
  }
  std::map<std::string, Index> families;
  for (const auto& [label, size] : sizes) {
    facts.class_sizes.push_back(size);
    const auto i = static_cast<std::size_t>(label);
    if (i >= dataset.class_names().size()) continue;
    Index& family = families[family_of(dataset.class_names()[i])];
    facts.largest_family = std::max(facts.largest_family, ++family);
  }
  std::sort(facts.class_sizes.begin(), facts.class_sizes.end());
  if (facts.class_sizes.size() < 2) {
    fail(ErrorKind::data,
         fmt::format(
             "{}: {}; training learns to tell classes apart, and needs two or more, each of "
             "two samples or more",
             dataset.path(),
             facts.class_sizes.empty() ? std::string("holds no samples for training")
                                       : fmt::format("all {} samples for training are of one class",
                                                     facts.class_sizes[0])));
  }
  if (choose_batch(facts.class_sizes, 0).batch() == 0) {
    fail(ErrorKind::data,
         fmt::format(
             "{}: of {} classes fewer than two have two samples for training; what they have "
             "in common is learnt from two or more of each",
             dataset.path(), facts.class_sizes.size()));
  }
  return facts;
}

RecipeChoice choose_recipe(const RecipeFacts& facts) { return Chooser(facts).choose(); }

}  // namespace kindred
