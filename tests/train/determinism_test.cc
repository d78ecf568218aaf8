// Same seed, same bits: for any number of threads, and resumed or not, over everything that is
// registered. What is compared are whole checkpoint and model files.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/loss/loss.h"
#include "kindred/loss/miner.h"
#include "kindred/nn/registry.h"
#include "kindred/train/model.h"
#include "kindred/train/optimizer.h"
#include "kindred/train/setup.h"
#include "kindred/train/tensor_file.h"
#include "support/bfloat16.h"
#include "support/tiers.h"
#include "train/small_run.h"

namespace kindred {
namespace {

using test::SmallRun;

constexpr const char* kAllLayers = R"(
[model]
architecture = 'layers'
slice = 4
[[model.layers]]
kind = 'convolution'
channels = 16
[[model.layers]]
kind = 'batch_norm'
[[model.layers]]
kind = 'relu'
[[model.layers]]
kind = 'average_pool'
[[model.layers]]
kind = 'concatenate'
[[model.layers.branches]]
[[model.layers.branches.layers]]
kind = 'convolution'
channels = 16
[[model.layers.branches.layers]]
kind = 'batch_norm'
[[model.layers.branches.layers]]
kind = 'prelu'
[[model.layers.branches]]
[[model.layers.branches]]
[[model.layers.branches.layers]]
kind = 'instance_norm'
[[model.layers.branches.layers]]
kind = 'relu6'
[[model.layers]]
kind = 'squeeze_excite'
channels = 4
[[model.layers]]
kind = 'residual'
[[model.layers.body]]
kind = 'convolution'
channels = 48
[[model.layers.body]]
kind = 'hard_swish'
[[model.layers]]
kind = 'concatenate'
[[model.layers.branches]]
[[model.layers.branches.layers]]
kind = 'gem_pool'
[[model.layers.branches]]
[[model.layers.branches.layers]]
kind = 'global_average_pool'
[[model.layers.branches]]
[[model.layers.branches.layers]]
kind = 'max_pool'
[[model.layers.branches.layers]]
kind = 'flatten'
[[model.layers.branches.layers]]
kind = 'linear'
features = 16
[[model.layers]]
kind = 'prelu'
[[model.layers]]
kind = 'dropout'
[[model.layers]]
kind = 'linear'
features = 24
[[model.layers]]
kind = 'layer_norm'
[[model.layers]]
kind = 'swish'
[[model.layers]]
kind = 'linear'
features = 8
[[model.layers]]
kind = 'l2_normalize'
)";
constexpr const char* kResnet =
    "[model]\narchitecture = 'resnet'\nwidths = [8, 16]\nembedding = 8\nslice = 4\n";
constexpr const char* kAugment =
    "[augment]\nrotate_degrees = 10\nscale = 0.1\nshear = 0.1\nshift = 0.1\nflip = true\n";

/// Whether a loss is tested here: all of them, or under a sanitizer one of each base class.
bool is_tested(std::string_view name) {
  constexpr std::string_view kBases[] = {"softmax",     "arcface",   "proxy_anchor",
                                         "contrastive", "triplet",   "margin",
                                         "center",      "smooth_ap", "mse"};
  return !test::kSanitizer ||
         std::find(std::begin(kBases), std::end(kBases), name) != std::end(kBases);
}

std::vector<int> thread_counts() {
  return test::kSanitizer ? std::vector{1, 3} : std::vector{1, 2, 3, 8};
}

// Slices are six here, and so are gradient rows: eight ranks are more than have a share of those.
std::vector<int> rank_counts() {
  return test::kSanitizer ? std::vector{2} : std::vector{2, 3, 4, 8};
}

void expect_same_bits(const std::string& text, Precision precision = Precision::float32,
                      const test::SmallData& data = {}) {
  const SmallRun runs(data);
  constexpr Index kSteps = 9;
  const auto recipe = [&] {
    Recipe made = runs.recipe(text, kSteps);
    made.set("model.precision=" + std::string(name_of(precision)));
    return made;
  };
  for (const int threads : thread_counts()) {
    const std::string name = std::to_string(threads);
    runs.run(name, recipe(), threads);
    EXPECT_EQ(runs.checkpoint(name, kSteps), runs.checkpoint("1", kSteps)) << threads << " threads";
    EXPECT_EQ(runs.model(name), runs.model("1")) << threads << " threads";
  }
  for (const int ranks : rank_counts()) {
    const std::string name = std::to_string(ranks) + "-ranks";
    runs.run_ranks(name, recipe, ranks, ranks % 2 + 1);
    EXPECT_EQ(runs.checkpoint(name, kSteps), runs.checkpoint("1", kSteps)) << ranks << " ranks";
    EXPECT_EQ(runs.model(name), runs.model("1")) << ranks << " ranks";
  }
  Recipe first = recipe();
  first.set("train.steps=4");
  runs.run("resumed", std::move(first), 2);
  runs.run("resumed", recipe(), 3, true);
  // The recipe's own text is part of the file; it differs in train.steps alone.
  EXPECT_EQ(runs.checkpoint("resumed", kSteps), runs.checkpoint("1", kSteps)) << "resumed";
}

TEST(Determinism, HoldsForEveryLoss) {
  int tested = 0;
  for (const LossEntry& entry : loss_registry()) {
    if (!is_tested(entry.name)) continue;
    ++tested;
    SCOPED_TRACE(std::string(entry.name));
    // A loss on targets takes the embedding as its prediction.
    const std::string model =
        entry.needs_targets()
            ? "[model]\narchitecture = 'mlp'\nhidden = [20]\nembedding = 3\nslice = 4\n"
            : test::kConv4;
    expect_same_bits(model + "[[loss]]\nname = '" + std::string(entry.name) + "'\n");
  }
  EXPECT_EQ(tested, test::kSanitizer ? 9 : static_cast<int>(loss_registry().size()));
}

TEST(Determinism, HoldsWithADrawOfClasses) {
  expect_same_bits(std::string(test::kMlp) +
                   "[[loss]]\nname = 'arcface'\nscale = 8\nclass_share = 0.3\n");
}

// What a loss carries besides its defaults: queues of past embeddings, with every miner over them,
// moving centers, learned boundaries and scales, class weights of several kinds.
TEST(Determinism, HoldsForWhatLossesCarry) {
  const std::string memory = "memory = 60\n";  // two and a half batches: the queue wraps around
  for (const MinerEntry& miner : miner_registry()) {
    if (test::kSanitizer && &miner != &miner_registry().back()) continue;
    SCOPED_TRACE(std::string(miner.name));
    expect_same_bits(std::string(test::kMlp) + "[[loss]]\nname = 'contrastive'\n" + memory +
                     "mining = '" + std::string(miner.name) + "'\n");
  }
  for (const char* loss :
       {"name = 'triplet'\nmemory = 60\nmining = 'semihard'\nwarm_up_from = 0.2\nwarm_up_to = 0.7",
        "name = 'supcon'\nmemory = 24\nfade_to = 0.5",
        "name = 'margin'\nbeta_per_class = true\nmemory = 30\nlearning_rate_factor = 10",
        "name = 'center'\nupdate = 'facenet'\n[[loss]]\nname = 'center'\nnormalize = true",
        "name = 'adacos'\n[[loss]]\nname = 'proxy_anchor'\nlearning_rate_factor = 100",
        "name = 'soft_triple'\n[[loss]]\nname = 'subcenter_arcface'"}) {
    SCOPED_TRACE(loss);
    expect_same_bits(std::string(test::kMlp) + "[[loss]]\n" + loss + "\n");
  }
}

// Ranks hold the weights of their own classes alone: every optimizer, the average, what is
// evaluated and kept on the way, and a run that other numbers of ranks go on with.
TEST(Determinism, HoldsWhereRanksShareOutClasses) {
  const test::SmallData data{.classes = 1300, .samples_per_class = 4, .side = 4};
  const std::string heads =
      "[[loss]]\nname = 'arcface'\nscale = 8\n[[loss]]\nname = 'softmax'\nclass_share = 0.4\n"
      "[[loss]]\nname = 'soft_triple'\ncenters = 2\n[data]\nvalidation_classes = 20\n";
  const std::string often = "[train]\naverage = 0.9\ncheckpoint_every = 3\n";
  for (const OptimizerEntry& entry : optimizer_registry()) {
    if (test::kSanitizer && &entry != &optimizer_registry().back()) continue;
    SCOPED_TRACE(std::string(entry.name));
    expect_same_bits(std::string(test::kMlp) + heads + often + "[optimizer]\nname = '" +
                         std::string(entry.name) + "'\n",
                     Precision::float32, data);
  }
  const SmallRun runs(data);
  const std::string text = std::string(test::kMlp) + heads;
  const auto recipe = [&](Index steps) {
    Recipe made = runs.recipe(text, 9);
    made.set("train.steps=" + std::to_string(steps));
    return made;
  };
  runs.run("whole", recipe(9), 2);
  runs.run_ranks(
      "resumed", [&] { return recipe(3); }, 3, 1);
  runs.run_ranks(
      "resumed", [&] { return recipe(6); }, 4, 2, true);
  runs.run("resumed", recipe(8), 1, true);
  runs.run_ranks(
      "resumed", [&] { return recipe(9); }, 2, 1, true);
  EXPECT_EQ(runs.checkpoint("resumed", 9), runs.checkpoint("whole", 9));
  // From a finished model on, whose classes are the same.
  const auto fine = [&] {
    Recipe made = recipe(9);
    made.set("train.initial='" + runs.path("whole") + "/model.kindred'");
    return made;
  };
  runs.run("fine", fine(), 1);
  runs.run_ranks("fine-ranks", fine, 3, 1);
  EXPECT_EQ(runs.checkpoint("fine-ranks", 9), runs.checkpoint("fine", 9));
}

TEST(Determinism, HoldsForEveryOptimizer) {
  for (const OptimizerEntry& entry : optimizer_registry()) {
    SCOPED_TRACE(std::string(entry.name));
    expect_same_bits(std::string(test::kMlp) + test::kSoftmax + "[optimizer]\nname = '" +
                     std::string(entry.name) + "'\n");
  }
}

TEST(Determinism, IsTestedForEveryKindOfLayer) {
  const std::string layers = kAllLayers;
  for (const LayerListing& kind : list_layers()) {
    EXPECT_NE(layers.find("kind = '" + kind.name + "'"), layers.npos) << kind.name;
  }
}

class DeterminismIn : public testing::TestWithParam<Precision> {};

TEST_P(DeterminismIn, HoldsWithRecompute) {
  SKIP_WITHOUT(GetParam());
  for (const char* model : {test::kConv4, kResnet, kAllLayers}) {
    SCOPED_TRACE(model);
    const std::string text = std::string(model) + test::kSoftmax + kAugment;
    expect_same_bits(text + "[train]\nrecompute = true\n", GetParam());
    // Of all arrays: weights and running statistics.
    const SmallRun runs;
    const auto fingerprint = [&](const std::string& recompute) {
      Recipe recipe = runs.recipe(text, 9);
      recipe.set("train.recompute=" + recompute);
      recipe.set("model.precision=" + std::string(name_of(GetParam())));
      runs.run(recompute, std::move(recipe), 2);
      return read_model(runs.path(recompute) + "/model.kindred").fingerprint;
    };
    EXPECT_EQ(fingerprint("true"), fingerprint("false"));
  }
}

TEST_P(DeterminismIn, HoldsForEveryArchitecture) {
  SKIP_WITHOUT(GetParam());
  for (const char* model : {test::kConv4, test::kMlp, kResnet, kAllLayers}) {
    SCOPED_TRACE(model);
    expect_same_bits(std::string(model) + test::kSoftmax + kAugment, GetParam());
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, DeterminismIn,
                         testing::Values(Precision::float32, Precision::bfloat16),
                         [](const auto& test) { return test::test_name(test.param); });

TEST(Determinism, HoldsWithEverythingAtOnce) {
  expect_same_bits(std::string(test::kConv4) + kAugment +
                   "[data]\nquarter_turns = true\nvalidation_classes = 2\n"
                   "[[loss]]\nname = 'softmax'\nnormalize = true\nscale = 8\n"
                   "[[loss]]\nname = 'triplet'\nwarm_up_to = 0.5\nfade_from = 0.8\n"
                   "[[loss]]\nname = 'center'\nweight = 0.01\n"
                   "[optimizer]\nname = 'adamw'\nschedule = 'one_cycle'\nclip_norm = 1.0\n"
                   "[train]\naverage = 0.9\ncheckpoint_every = 3\n");
}

// The numbers of a file; its texts name the recipe, which says how much memory there is.
std::vector<std::vector<std::byte>> arrays(const std::string& path) {
  std::vector<std::vector<std::byte>> result;
  const TensorFile file = TensorFile::read(path);
  for (const Tensor& tensor : file.tensors()) {
    result.emplace_back(tensor.bytes.begin(), tensor.bytes.end());
  }
  return result;
}

// In memory and streamed, from samples that lie whole, from packed chunks, and from some that are
// cut across: the same model, for any number of threads, at once and resumed.
TEST(Determinism, HoldsForStreamedData) {
  constexpr Index kSteps = 9;
  const std::string text = std::string(test::kConv4) + test::kSoftmax + kAugment;
  test::SmallData data{.classes = 40, .samples_per_class = 20, .side = 16, .test_classes = 4};
  const SmallRun whole(data);
  const auto recipe = [&](const SmallRun& runs, const char* memory) {
    Recipe made = runs.recipe(text, kSteps);
    made.set(std::string("data.memory=") + memory);
    return made;
  };
  whole.run("memory", recipe(whole, "half"), 2);
  const auto model = arrays(whole.path("memory") + "/model.kindred");
  for (const Hdf5Storage& storage : {Hdf5Storage{},
                                     {.chunk = {13, 16, 16, 1}, .gzip = 1, .shuffle = true},
                                     {.chunk = {50, 8, 16, 1}, .gzip = 1}}) {
    SCOPED_TRACE(storage.gzip == 0 ? "whole" : storage.shuffle ? "packed" : "cut");
    data.storage = storage;
    const SmallRun streamed(data);
    Recipe looked_at = recipe(streamed, "'240KiB'");
    EXPECT_FALSE(read_setup(looked_at, "").dataset->in_memory());
    for (const int threads : thread_counts()) {
      const std::string name = std::to_string(threads);
      streamed.run(name, recipe(streamed, "'240KiB'"), threads);
      EXPECT_EQ(arrays(streamed.path(name) + "/model.kindred"), model) << threads << " threads";
    }
    Recipe first = recipe(streamed, "'240KiB'");
    first.set("train.steps=4");
    streamed.run("resumed", std::move(first), 2);
    streamed.run("resumed", recipe(streamed, "half"), 3, true);  // with other memory, too
    EXPECT_EQ(arrays(streamed.path("resumed") + "/model.kindred"), model) << "resumed";
  }
}

TEST(Determinism, AnotherSeedGivesOtherBits) {
  const SmallRun runs;
  const std::string text = std::string(test::kMlp) + test::kSoftmax;
  runs.run("one", runs.recipe("seed = 1\n" + text, 3), 1);
  runs.run("two", runs.recipe("seed = 2\n" + text, 3), 1);
  EXPECT_NE(runs.checkpoint("one", 3), runs.checkpoint("two", 3));
}

}  // namespace
}  // namespace kindred
