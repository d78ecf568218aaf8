#include "kindred/train/checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "kindred/train/setup.h"
#include "kindred/train/tensor_file.h"
#include "kindred/train/trainer.h"
#include "train/small_run.h"

namespace kindred {
namespace {

using test::expect_error;
using test::SmallRun;

const std::string kRecipe = std::string(test::kConv4) +
                            "[[loss]]\nname = 'softmax'\n[[loss]]\nname = 'center'\n"
                            "[train]\naverage = 0.9\n";

/// A training after a few steps.
struct Trained {
  explicit Trained(const SmallRun& runs, Index steps)
      : recipe(runs.recipe(kRecipe, 9)), setup(read_setup(recipe, "")), trainer(setup, workers) {
    for (Index i = 0; i < steps; ++i) trainer.step();
  }
  TrainingState& state() { return trainer.training_state(); }

  /// Every number that a checkpoint holds.
  std::vector<std::byte> numbers(const SmallRun& runs) {
    write_checkpoint(runs.path("numbers"), state(), {});
    return read_file(runs.path("numbers"));
  }

  Recipe recipe;
  Workers workers{1};
  Setup setup;
  Trainer trainer;
};

/// A copy of the checkpoint `from` with its arrays changed, and sound checksums.
void rewrite(const std::string& from, const std::string& to,
             const std::function<void(std::vector<Tensor>&)>& change) {
  const TensorFile before = TensorFile::read(from);
  std::vector<Tensor> tensors = before.tensors();
  change(tensors);
  TensorFile after;
  after.metadata = before.metadata;
  for (Tensor& tensor : tensors) after.add(std::move(tensor));
  after.write(to);
}

TEST(Checkpoint, RestoresEveryNumber) {
  const SmallRun runs;
  Trained trained(runs, 3);
  Trained other(runs, 1);
  RunMemory best;
  best.best_step = 2;
  best.best_value = 0.1;
  write_checkpoint(runs.path("checkpoint"), trained.state(), best);
  const RunMemory memory = read_checkpoint(runs.path("checkpoint"), other.state());
  EXPECT_EQ(memory.best_step, 2);
  EXPECT_EQ(memory.best_value, 0.1);
  EXPECT_EQ(other.state().step, 3);
  EXPECT_EQ(other.numbers(runs), trained.numbers(runs));
}

// The arrays before the one that did not fit used to stay in the state, and the run began at step 0
// with them.
TEST(Checkpoint, ThatDoesNotFitLeavesEverythingAsItWas) {
  const SmallRun runs;
  Trained trained(runs, 3);
  Trained other(runs, 1);
  const std::vector<std::byte> before = other.numbers(runs);
  write_checkpoint(runs.path("sound"), trained.state(), {});
  const std::size_t count = TensorFile::read(runs.path("sound")).tensors().size();
  ASSERT_GT(count, 10u);
  const std::vector<float> row(3);
  for (std::size_t i = 0; i < count; ++i) {
    SCOPED_TRACE(i);
    const auto refused = [&](const std::function<void(std::vector<Tensor>&)>& change,
                             const std::string& part) {
      rewrite(runs.path("sound"), runs.path("changed"), change);
      expect_error(ErrorKind::data, part,
                   [&] { read_checkpoint(runs.path("changed"), other.state()); });
      EXPECT_EQ(other.state().step, 1);
      EXPECT_EQ(other.numbers(runs), before);
    };
    const auto at = static_cast<std::ptrdiff_t>(i);
    refused([&](auto& tensors) { tensors.erase(tensors.begin() + at); }, "has no array");
    refused(
        [&](auto& tensors) {
          tensors[i].type = DataType::f32;
          tensors[i].shape = {3};
          tensors[i].bytes = std::as_bytes(std::span(row));
        },
        "expected");
  }
  rewrite(runs.path("sound"), runs.path("changed"), [&](auto& tensors) {
    tensors.push_back({"loss.9.weights", DataType::f32, {3}, std::as_bytes(std::span(row))});
  });
  expect_error(ErrorKind::data, "has an array 'loss.9.weights', which this training has no place",
               [&] { read_checkpoint(runs.path("changed"), other.state()); });
  EXPECT_EQ(other.numbers(runs), before);
}

TEST(Checkpoint, WithNumbersThatCannotBeIsRefused) {
  const SmallRun runs;
  Trained trained(runs, 1);
  write_checkpoint(runs.path("sound"), trained.state(), {});
  for (const auto& [key, value] : {std::pair{"step", "-1"},
                                   {"step", "12 or so"},
                                   {"step", "99999999999999999999"},
                                   {"best_step", "7"},
                                   {"best_value", "good"}}) {
    TensorFile file = TensorFile::read(runs.path("sound"));
    file.metadata[key] = value;
    file.write(runs.path("changed"));
    EXPECT_THROW(read_checkpoint_header(runs.path("changed")), Error) << key << " = " << value;
  }
}

}  // namespace
}  // namespace kindred
