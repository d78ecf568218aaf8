// Training that leaves the range of numbers ends with its own exit code, and keeps the last state
// that did not.
#include <gtest/gtest.h>

#include <string>

#include "kindred/core/error.h"
#include "kindred/train/checkpoint.h"
#include "kindred/train/tensor_file.h"
#include "train/runs/run_log.h"
#include "train/small_run.h"

namespace kindred {
namespace {

using test::SmallRun;

// As many numbers as the small data has targets.
constexpr const char* kTiny =
    "[model]\narchitecture = 'mlp'\nhidden = [20]\nembedding = 3\nslice = 4\n";

/// "" where the run ends well, else what it diverged by.
std::string train(const SmallRun& runs, const std::string& name, const std::string& text,
                  Index steps, bool resume = false) {
  Recipe recipe = runs.recipe(std::string(kTiny) + text, steps);
  try {
    runs.run(name, std::move(recipe), 1, resume);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::diverged) << error.what();
    EXPECT_EQ(error.exit_code(), 69);
    return error.what();
  }
}

/// The newest checkpoint, which must be sound: its numbers are finite, or it is not read.
Index kept_step(const SmallRun& runs, const std::string& name) {
  const auto names = acknowledged_checkpoints(read_run_log(runs.path(name) + "/metrics.jsonl"));
  EXPECT_FALSE(names.empty());
  return names.empty() ? -1 : read_checkpoint_header(runs.path(name) + "/" + names.front()).step;
}

Index last_logged_step(const SmallRun& runs, const std::string& name) {
  Index step = 0;
  for (const Json& line : read_run_log(runs.path(name) + "/metrics.jsonl")) {
    if (line.contains("loss")) step = line["step"].get<Index>();
  }
  return step;
}

// It was exit code 65, as of bad data, and up to an epoch was lost.
TEST(Diverged, KeepsTheLastFiniteStateWithEveryOptimizerAndLoss) {
  const SmallRun runs;
  Index diverged = 0;
  for (const char* optimizer : {"sgd", "adam", "adamw"}) {
    for (const std::string loss :
         {"name = 'softmax'", "name = 'mse'", "name = 'center'\nnormalize = false",
          "name = 'triplet'\nnormalize = false", "name = 'n_pairs'",
          "name = 'contrastive'\nnormalize = false\nmemory = 64"}) {
      const std::string name =
          std::string(optimizer) + std::to_string(diverged) + std::to_string(loss.size());
      SCOPED_TRACE(name + " " + loss);
      const std::string fault = train(
          runs, name,
          "[[loss]]\n" + loss + "\n[optimizer]\nname = '" + optimizer + "'\nlearning_rate = 1e6\n",
          200);
      if (fault.empty()) continue;
      ++diverged;
      EXPECT_NE(fault.find("training diverged at step "), fault.npos) << fault;
      EXPECT_NE(fault.find("lower optimizer.learning_rate"), fault.npos) << fault;
      EXPECT_EQ(kept_step(runs, name), last_logged_step(runs, name)) << fault;
    }
  }
  EXPECT_GE(diverged, 6);
}

TEST(Diverged, DivergesAgainAtTheSameStepWhereItIsResumed) {
  const SmallRun runs;
  const std::string text =
      "[[loss]]\nname = 'softmax'\n[optimizer]\nname = 'sgd'\nlearning_rate = 1e6\n";
  const std::string first = train(runs, "run", text, 200);
  ASSERT_NE(first, "");
  const Index step = kept_step(runs, "run");
  EXPECT_EQ(train(runs, "run", text, 200, true), first);
  EXPECT_EQ(kept_step(runs, "run"), step);
}

// A state before numbers left their range is what to go on from.
TEST(Initial, MayBeACheckpoint) {
  const SmallRun runs;
  EXPECT_EQ(train(runs, "run", "[[loss]]\nname = 'softmax'\n", 5), "");
  const std::string checkpoint = "checkpoints/step-00000005.kindred";
  Recipe recipe = Recipe::from_file(runs.path("run/recipe.toml"));
  recipe.set("train.initial=" + checkpoint);
  recipe.set("optimizer.learning_rate=0");
  recipe.set("train.steps=1");
  runs.run("next", std::move(recipe), 1);
  const TensorFile kept = TensorFile::read(runs.path("run/") + checkpoint);
  const TensorFile next = TensorFile::read(runs.path("next/checkpoints/step-00000001.kindred"));
  for (const Tensor& tensor : next.tensors()) {
    if (!tensor.name.ends_with(".weights") || tensor.name.find(':') != tensor.name.npos) continue;
    const Tensor* from = kept.find(tensor.name);
    ASSERT_NE(from, nullptr) << tensor.name;
    EXPECT_TRUE(std::equal(from->bytes.begin(), from->bytes.end(), tensor.bytes.begin()))
        << tensor.name;
  }
}

}  // namespace
}  // namespace kindred
