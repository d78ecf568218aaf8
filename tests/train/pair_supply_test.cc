// Losses that would train on nothing are refused before the first step, whatever loss and miner.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "kindred/core/error.h"
#include "kindred/loss/loss.h"
#include "kindred/loss/miner.h"
#include "kindred/train/trainer.h"
#include "train/small_run.h"

namespace kindred {
namespace {

using test::SmallData;
using test::SmallRun;

// As many numbers as the small data has targets.
constexpr const char* kTiny =
    "[model]\narchitecture = 'mlp'\nhidden = [20]\nembedding = 3\nslice = 4\n";

bool has_setting(const LossEntry& entry, const std::string& key) {
  Recipe recipe;
  LossContext context{"loss", 4, 2, 4, 4, 1};
  ParameterTable table;
  State state;
  entry.make(recipe.root(), context, table, state);
  for (const Setting& setting : recipe.root().settings()) {
    if (setting.key == key) return true;
  }
  return false;
}

std::string one_loss(std::string_view name, const std::string& settings = "") {
  return std::string(kTiny) + "[[loss]]\nname = '" + std::string(name) + "'\n" + settings + "\n";
}

/// "" where a trainer is made of the recipe, else its error, which is one of the recipe.
std::string fault_of(const SmallRun& runs, const std::string& text,
                     const std::vector<std::string>& changes,
                     std::vector<std::string>* notes = nullptr) {
  Recipe recipe = runs.recipe(text, 4);
  for (const std::string& change : changes) recipe.set(change);
  const Workers workers(1);
  try {
    const kindred::Setup setup = read_setup(recipe, "");
    Trainer trainer(setup, workers);
    trainer.step();
    if (notes != nullptr) *notes = trainer.notes();
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::recipe) << error.what();
    return error.what();
  }
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

const std::vector<std::string> kOneSample = {"sampler.samples_per_class=1", "sampler.classes=8"};
const std::vector<std::string> kOneClass = {"sampler.samples_per_class=4", "sampler.classes=1"};

// Loss 0 throughout, exit code 0 and a model, or a loss that only pushes apart.
TEST(PairSupply, IsAskedForByEveryLossOverPairsAndByNoOther) {
  const SmallRun runs;
  for (const LossEntry& entry : loss_registry()) {
    SCOPED_TRACE(entry.name);
    const bool pairs = entry.learns_from == LearnsFrom::pairs;
    const std::string one_sample = fault_of(runs, one_loss(entry.name), kOneSample);
    const std::string one_class = fault_of(runs, one_loss(entry.name), kOneClass);
    EXPECT_EQ(one_sample.empty(), !pairs) << one_sample;
    EXPECT_EQ(one_class.empty(), !pairs) << one_class;
    EXPECT_EQ(fault_of(runs, one_loss(entry.name), {}), "");
    if (!pairs) continue;
    const std::string loss = "[[loss]] " + std::string(entry.name) + " learns from pairs of ";
    EXPECT_TRUE(contains(one_sample, loss + "one class")) << one_sample;
    EXPECT_TRUE(contains(one_sample, "[sampler] samples_per_class = 1")) << one_sample;
    EXPECT_TRUE(contains(one_class, loss + "two classes")) << one_class;
    EXPECT_TRUE(contains(one_class, "[sampler] classes = 1")) << one_class;
    EXPECT_EQ(contains(one_sample, "give the loss memory = "), has_setting(entry, "memory"));
  }
}

TEST(PairSupply, IsAskedForWithEveryMiner) {
  const SmallRun runs;
  for (const LossEntry& entry : loss_registry()) {
    if (!has_setting(entry, "mining")) continue;
    for (const MinerEntry& miner : miner_registry()) {
      SCOPED_TRACE(std::string(entry.name) + " " + std::string(miner.name));
      const std::string text = one_loss(entry.name, "mining = '" + std::string(miner.name) + "'");
      EXPECT_NE(fault_of(runs, text, kOneSample), "");
      EXPECT_NE(fault_of(runs, text, kOneClass), "");
      EXPECT_EQ(fault_of(runs, text, {}), "");
    }
  }
}

TEST(PairSupply, MayComeFromAMemoryThatHoldsMoreThanTheBatch) {
  const SmallRun runs;
  for (const LossEntry& entry : loss_registry()) {
    if (!has_setting(entry, "memory")) continue;
    SCOPED_TRACE(entry.name);
    for (const auto& [changes, batch] : {std::pair(kOneSample, 8), std::pair(kOneClass, 4)}) {
      const auto with = [&, &changes = changes](int memory) {
        return fault_of(runs, one_loss(entry.name, "memory = " + std::to_string(memory)), changes);
      };
      const std::string too_small = with(batch);
      EXPECT_TRUE(contains(too_small, "holds this batch alone")) << too_small;
      // What the message advises is taken.
      const std::size_t at = too_small.find("give the loss memory = ");
      ASSERT_NE(at, too_small.npos) << too_small;
      EXPECT_EQ(with(std::stoi(too_small.substr(at + 23))), "");
    }
  }
}

const std::string kSliceOne = "# of one sample\n";

TEST(PairSupply, IsWhatTheDataHolds) {
  const SmallRun singles({.classes = 12, .samples_per_class = 1});
  const auto of = [](const SmallRun& runs, const std::string& loss, const std::string& sampler,
                     const std::string& more = "") {
    Recipe recipe =
        Recipe::from_text("[data]\nfile = '" + runs.path("data.h5") + "'\n" + more +
                              "\n[model]\narchitecture = 'mlp'\nhidden = [20]\n" +
                              "embedding = 3\nslice = " + (more == kSliceOne ? "1" : "4") +
                              "\n[[loss]]\nname = '" + loss + "'\n[sampler]\n" + sampler,
                          "test");
    const Workers workers(1);
    try {
      const kindred::Setup setup = read_setup(recipe, "");
      const Trainer trainer(setup, workers);
      return std::string();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::recipe) << error.what();
      return std::string(error.what());
    }
  };
  const std::string single = of(singles, "supcon", "name = 'shuffle'\nbatch = 8");
  EXPECT_TRUE(contains(single, "each of the 12 classes of the training set has one sample"))
      << single;
  EXPECT_EQ(of(singles, "arcface", "name = 'shuffle'\nbatch = 8"), "");

  const SmallRun one({.classes = 1, .samples_per_class = 24});
  for (const char* loss : {"triplet", "softmax", "arcface", "proxy_nca", "center"}) {
    const std::string fault = of(one, loss, "name = 'shuffle'\nbatch = 8");
    EXPECT_TRUE(contains(fault, "needs at least two classes")) << loss << fault;
  }
  EXPECT_EQ(of(one, "mse", "name = 'shuffle'\nbatch = 8"), "");
  // Quarter turns make four classes of one.
  EXPECT_EQ(of(one, "triplet", "classes = 4\nsamples_per_class = 2", "quarter_turns = true"), "");
  const std::string turned =
      of(one, "triplet", "classes = 1\nsamples_per_class = 8", "quarter_turns = true");
  EXPECT_TRUE(contains(turned, "[sampler] classes = 1")) << turned;

  const SmallRun runs;  // 12 classes x 6
  const std::string one_row = of(runs, "triplet", "name = 'shuffle'\nbatch = 1", kSliceOne);
  EXPECT_TRUE(contains(one_row, "[sampler] batch = 1 brings one sample")) << one_row;
  const std::string turn = of(runs, "triplet", "name = 'balanced'\nbatch = 4");
  EXPECT_TRUE(contains(turn, "[sampler] batch = 4 brings one sample of each of 4 of the 12"))
      << turn;
  EXPECT_EQ(of(runs, "triplet", "name = 'balanced'\nbatch = 24"), "");
  EXPECT_EQ(of(runs, "triplet", "name = 'shuffle'\nbatch = 24"), "");
}

TEST(PairSupply, IsNotedWhereItIsSmall) {
  const SmallRun many({.classes = 400, .samples_per_class = 2, .side = 2});
  Recipe recipe =
      Recipe::from_text(one_loss("supcon") + "[sampler]\nname = 'shuffle'\nbatch = 16\n" +
                            "[data]\nfile = '" + many.path("data.h5") + "'\n",
                        "test");
  const Workers workers(1);
  const kindred::Setup setup = read_setup(recipe, "");
  const Trainer trainer(setup, workers);
  ASSERT_EQ(trainer.notes().size(), 1u);
  // 15 others of a batch, one of 799 samples is kin.
  EXPECT_TRUE(contains(trainer.notes()[0],
                       "only about 1.9 % of a batch's samples meet another of "
                       "their class"))
      << trainer.notes()[0];
  std::vector<std::string> notes{"to be cleared"};
  const SmallRun runs;
  EXPECT_EQ(fault_of(runs, one_loss("supcon"), {}, &notes), "");
  EXPECT_TRUE(notes.empty());
}

}  // namespace
}  // namespace kindred
