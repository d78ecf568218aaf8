// [[train.parameters]]: what is frozen stays, what is not is trained as if the rest were data.
#include <gtest/gtest.h>

#include <map>

#include "kindred/data/augment.h"
#include "kindred/nn/network.h"
#include "kindred/train/trainer.h"
#include "support/error_of.h"
#include "train/small_run.h"

namespace kindred {
namespace {

using test::error_of;
using test::SmallRun;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

constexpr Index kSteps = 10;
const std::string kBase = std::string(test::kConv4) + test::kSoftmax;

std::string rule(const std::string& match, const std::string& what) {
  return "[[train.parameters]]\nmatch = '" + match + "'\n" + what + "\n";
}

/// What a trainer carries after some steps, by name.
struct Carried {
  std::map<std::string, std::vector<float>> segments;
  std::map<std::string, std::vector<float>> running;
  std::vector<std::string> notes;
  double loss = 0;

  bool operator==(const Carried& other) const {
    return segments == other.segments && running == other.running;
  }
};

Carried carried_by(const Trainer& trainer) {
  Carried carried;
  const TrainingState& state = trainer.training_state();
  for (const Segment& segment : state.table.segments()) {
    const float* from = state.parameters.data() + segment.offset;
    carried.segments[segment.name].assign(from, from + segment.size);
  }
  for (const auto& array : state.state.arrays()) {
    if (array->type != DataType::f32) continue;
    const auto values = std::as_const(*array).as<float>();
    carried.running[array->name].assign(values.begin(), values.end());
  }
  carried.notes = trainer.notes();
  return carried;
}

class FineTuning : public testing::Test {
 protected:
  kindred::Setup setup(const std::string& text) const {
    Recipe recipe = runs_.recipe(text, kSteps);
    return read_setup(recipe, "");
  }
  Carried train(const std::string& text, Index steps, int threads = 1) const {
    const kindred::Setup made = setup(text);
    const Workers workers(threads);
    Trainer trainer(made, workers);
    double loss = 0;
    for (Index step = 0; step < steps; ++step) loss = trainer.step().loss;
    Carried carried = carried_by(trainer);
    carried.loss = loss;
    return carried;
  }
  SmallRun runs_;
};

bool is_trunk(const std::string& name) { return name.starts_with("blocks."); }

TEST_F(FineTuning, FrozenNumbersKeepEveryBitWithEveryOptimizer) {
  for (const OptimizerEntry& entry : optimizer_registry()) {
    SCOPED_TRACE(entry.name);
    const std::string text = kBase + "[optimizer]\nname = '" + std::string(entry.name) + "'\n" +
                             rule("blocks.*", "frozen = true");
    const Carried before = train(text, 0);
    const Carried after = train(text, 3);
    EXPECT_EQ(after.running, before.running);
    for (const auto& [name, values] : before.segments) {
      EXPECT_EQ(after.segments.at(name) == values, is_trunk(name)) << name;
    }
  }
}

TEST_F(FineTuning, FrozenInTheMiddleKeepsEveryBitAndLetsTheGradientThrough) {
  const std::string text =
      kBase + rule("blocks.1.*", "frozen = true") + rule("blocks.2.norm", "frozen = true");
  const Carried before = train(text, 0);
  const Carried after = train(text, 3);
  for (const auto& [name, values] : before.segments) {
    const bool frozen = name.starts_with("blocks.1.") || name.starts_with("blocks.2.norm");
    EXPECT_EQ(after.segments.at(name) == values, frozen) << name;
  }
  for (const auto& [name, values] : before.running) {
    const bool frozen = name.starts_with("blocks.1.") || name.starts_with("blocks.2.norm");
    EXPECT_EQ(after.running.at(name) == values, frozen) << name;
  }
}

// A frozen trunk is data: the linear layer alone, trained on what the trunk gives, ends the same.
TEST_F(FineTuning, AboveAFrozenTrunkTrainsAsOnItsFeatures) {
  const std::string learning = "[optimizer]\nname = 'sgd'\nlearning_rate = 0.05\n";
  const kindred::Setup whole = setup(kBase + learning + rule("blocks.*", "frozen = true"));
  const Workers workers(1);
  Trainer trainer(whole, workers);
  // The trunk's features of every sample, by the weights that training starts with.
  const TrainingState& start = trainer.training_state();
  Architecture trunk = whole.architecture;
  trunk.layers.pop_back();
  Network network = Network::for_inference(trunk, 1, start.table, start.state);
  network.pack(workers, start.parameters.span());
  const auto slice = network.make_slice();
  const auto scratch = network.make_scratch();
  Pass pass;
  pass.scratch = scratch.get();
  const Dataset& images = *whole.dataset;
  const Augmenter augmenter({}, images.shape(), images.element(), whole.scaling);
  std::vector<std::byte> sample(static_cast<std::size_t>(images.sample_bytes()));
  Matrix features(images.size(), network.embedding());
  for (Index i = 0; i < images.size(); ++i) {
    images.read(std::span(&i, 1), sample.data());
    augmenter.plain(sample.data(), slice->src().row(0));
    slice->forward(features.view().rows_from(i, 1), pass);
  }
  std::vector<float> dense;
  for (Index i = 0; i < features.rows(); ++i) {
    dense.insert(dense.end(), features.row(i), features.row(i) + features.cols());
  }
  TrainingSettings settings;
  settings.train.slice = 4;
  settings.train.planned_steps = kSteps;
  settings.sampler = {"pxk", {{"classes", Index{6}}, {"samples_per_class", Index{4}}}};
  const Shape vectors{network.embedding()};
  settings.architecture =
      make_architecture({"layers", {{"layers", std::vector<std::string>{"linear 8"}}}}, vectors);
  settings.losses = {{"softmax"}};
  settings.optimizer = {"sgd", {{"learning_rate", 0.05}}};
  const kindred::Setup head =
      make_setup(settings, std::make_unique<Dataset>(Dataset::from_source(
                               samples_in_memory(dense, vectors), images.columns())));
  Trainer alone(head, workers);
  TrainingState& to = alone.training_state();
  for (const Segment& segment : to.table.segments()) {
    const std::string name =
        segment.name.starts_with("layers.0") ? "embedding" + segment.name.substr(8) : segment.name;
    const Segment* from = start.table.find(name);
    ASSERT_NE(from, nullptr) << name;
    ASSERT_EQ(from->size, segment.size);
    std::copy_n(start.parameters.data() + from->offset, from->size,
                to.parameters.data() + segment.offset);
  }
  alone.restored();
  for (Index step = 0; step < 5; ++step) {
    const double expected = alone.step().loss;
    EXPECT_NEAR(trainer.step().loss, expected, 1e-5 * expected) << step;
  }
}

TEST_F(FineTuning, ThawsAtThePartOfTheRunThatIsAskedFor) {
  const std::string thawing = kBase + rule("blocks.*", "freeze_until = 0.35");
  const std::string frozen = kBase + rule("blocks.*", "frozen = true");
  EXPECT_EQ(train(thawing, 4), train(frozen, 4));  // steps 0 to 3 of 10
  const Carried before = train(thawing, 4);
  const Carried after = train(thawing, 5);
  for (const auto& [name, values] : before.segments) {
    EXPECT_NE(after.segments.at(name), values) << name;
  }
  EXPECT_NE(after.running, before.running);
}

TEST_F(FineTuning, GivesTheSameBitsForAnyNumberOfThreads) {
  const std::string text = kBase + rule("blocks.0.*", "freeze_until = 0.5") +
                           rule("blocks.2.norm", "frozen = true") +
                           rule("blocks.3.*", "learning_rate_factor = 0.1");
  const Carried one = train(text, kSteps);
  EXPECT_EQ(train(text, kSteps, 2), one);
  EXPECT_EQ(train(text, kSteps, 3), one);
}

TEST_F(FineTuning, ResumesBeforeAtAndBehindTheThawAsIfUninterrupted) {
  const std::string text = kBase + "[train]\ncheckpoint_every = 1\n" +
                           rule("blocks.*", "freeze_until = 0.5") +
                           rule("embedding", "learning_rate_factor = 0.5");
  runs_.run("whole", runs_.recipe(text, kSteps), 1);
  for (const Index at : {Index{3}, Index{5}, Index{7}}) {
    const std::string name = "cut" + std::to_string(at);
    Recipe first = runs_.recipe(text, kSteps);
    first.set("train.steps=" + std::to_string(at));
    runs_.run(name, std::move(first), 1);
    runs_.run(name, runs_.recipe(text, kSteps), 2, true);
    EXPECT_EQ(runs_.checkpoint(name, kSteps), runs_.checkpoint("whole", kSteps)) << at;
    EXPECT_EQ(runs_.model(name), runs_.model("whole")) << at;
  }
}

TEST_F(FineTuning, FactorsScaleTheSteps) {
  const std::string learning = "[optimizer]\nname = 'sgd'\nlearning_rate = 0.125\nmomentum = 0.0\n";
  const Carried before = train(kBase + learning, 0);
  const Carried plain = train(kBase + learning, 1);
  const Carried halved =
      train(kBase + learning + rule("blocks.2.*", "learning_rate_factor = 0.5"), 1);
  for (const auto& [name, values] : before.segments) {
    const bool ruled = name.starts_with("blocks.2.");
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float moved = plain.segments.at(name)[i] - values[i];
      const float expected = ruled ? moved / 2 : moved;
      EXPECT_NEAR(halved.segments.at(name)[i] - values[i], expected,
                  1e-6F + 1e-5F * std::abs(values[i]))
          << name;
    }
  }
}

TEST_F(FineTuning, SaysHowMuchIsFrozen) {
  const auto notes = train(kBase + rule("blocks.*", "freeze_until = 0.2"), 0).notes;
  ASSERT_FALSE(notes.empty());
  EXPECT_TRUE(contains(notes.back(), "frozen: 7184 of the network's ")) << notes.back();
  EXPECT_TRUE(contains(notes.back(), ", up to step 2")) << notes.back();
}

// 0.07 * 100 is a little above 7 in double.
TEST_F(FineTuning, CountsPartsOfARunAsTheyAreWritten) {
  Recipe recipe = runs_.recipe(kBase + rule("blocks.*", "freeze_until = 0.07"), 100);
  const kindred::Setup made = read_setup(recipe, "");
  const Workers workers(1);
  const Trainer trainer(made, workers);
  EXPECT_TRUE(trainer.notes().back().ends_with(", up to step 7")) << trainer.notes().back();
}

TEST_F(FineTuning, NamesARuleThatFitsNothing) {
  const auto fault = [&](const std::string& rules) {
    return error_of([&] { setup(kBase + rules); });
  };
  EXPECT_EQ(fault(rule("block.*", "frozen = true")),
            "test: [[train.parameters]] 0: match = 'block.*' names no layer of the network; its "
            "layers begin with 'blocks.0.convolution'");
  EXPECT_EQ(fault(rule("embeding", "frozen = true")),
            "test: [[train.parameters]] 0: match = 'embeding' names no layer of the network; did "
            "you mean 'embedding'?");
  EXPECT_TRUE(contains(fault(rule("*", "frozen = true\nfreeze_until = 0.5")), "give one"));
  EXPECT_TRUE(contains(fault(rule("", "frozen = true")), "match names no layer"));
  EXPECT_TRUE(contains(fault(rule("*", "frozn = true")), "did you mean 'frozen'?"));
}

}  // namespace
}  // namespace kindred
