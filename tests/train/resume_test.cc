// What a resumed run takes, what it refuses, and that refusing changes nothing.
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "kindred/train/checkpoint.h"
#include "kindred/train/model.h"
#include "kindred/train/run.h"
#include "kindred/train/tensor_file.h"
#include "train/runs/run_log.h"
#include "train/small_run.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::SmallData;
using test::SmallRun;

const std::string kRecipe =
    std::string(test::kMlp) + test::kSoftmax + "[train]\ncheckpoint_every = 2\n";
constexpr Index kSteps = 9;

struct Notes final : RunObserver {
  std::string notes;
  std::string warnings;
  void on_note(const std::string& text) override { notes += text + "\n"; }
  void on_warning(const std::string& text) override { warnings += text + "\n"; }
};

using Folder = std::map<std::string, std::vector<std::byte>>;

class Resume : public testing::Test {
 protected:
  Recipe recipe(Index steps = 0) const {
    Recipe made = runs_.recipe(kRecipe, kSteps);
    made.set("train.steps=" + std::to_string(steps));
    return made;
  }
  void train_to(Index step, const std::string& name = "run") const {
    runs_.run(name, recipe(step), 1);
  }
  RunResult resume(RunObserver& observer, Recipe from) const {
    return run_training(std::move(from), {runs_.path("run"), true, 1}, observer);
  }
  Notes resume() const {
    Notes notes;
    EXPECT_EQ(resume(notes, recipe()).step, kSteps);
    return notes;
  }
  std::string checkpoint(Index step) const {
    return runs_.path("run/checkpoints/step-0000000" + std::to_string(step) + ".kindred");
  }
  /// Every file of the run folder with what it holds.
  Folder folder() const {
    Folder files;
    for (const auto& entry : fs::recursive_directory_iterator(runs_.path("run"))) {
      files[entry.path().string()] =
          entry.is_regular_file() ? read_file(entry.path().string()) : std::vector<std::byte>();
    }
    return files;
  }
  /// Neither with the recipe nor without, and the folder stays as it is.
  void expect_refused(ErrorKind kind, const std::string& part) const {
    const Folder before = folder();
    const auto refused = [&](const std::function<Recipe()>& from) {
      Notes notes;
      try {
        resume(notes, from());
        ADD_FAILURE() << "no error";
      } catch (const Error& error) {
        const std::string text = error.what();
        EXPECT_EQ(error.kind(), kind) << text;
        EXPECT_NE(text.find(part), text.npos) << text;
        EXPECT_NE(text.find("to begin anew, name another one with --out"), text.npos) << text;
      }
      EXPECT_EQ(folder(), before);
    };
    refused([&] { return recipe(); });
    refused([&] { return recipe_of_run(runs_.path("run")); });
  }

  const SmallRun runs_;
};

// Writes a sound checkpoint again with other texts.
void change_texts(const std::string& path,
                  const std::function<void(std::map<std::string, std::string>&)>& change) {
  TensorFile file = TensorFile::read(path);
  change(file.metadata);
  file.write(path);
}

void flip_last_byte(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-1, std::ios::end);
  file.put('\x55');
}

// It used to begin at step 0: exit code 0, the log cut, the sound checkpoints deleted.
TEST_F(Resume, RefusesWhereNoCheckpointCanBeUsed) {
  train_to(4);
  const Folder sound = folder();
  const std::map<std::string, std::function<void(const std::string&)>> damages = {
      {"not a sound model or checkpoint", [](const auto& path) { fs::resize_file(path, 100); }},
      {"it is shorter than its first field", [](const auto& path) { fs::resize_file(path, 0); }},
      {"the data's checksum does not match", flip_last_byte},
      {"which a newer Kindred wrote",
       [](const auto& path) { change_texts(path, [](auto& texts) { texts["format"] = "99"; }); }},
      {"expected a kindred checkpoint, found a kindred model", [](const auto& path) {
         change_texts(path, [](auto& texts) { texts["kind"] = "kindred model"; });
       }}};
  for (const auto& [message, damage] : damages) {
    SCOPED_TRACE(message);
    for (const Index step : {2, 4}) damage(checkpoint(step));
    expect_refused(ErrorKind::data, message);
    for (const auto& [path, bytes] : sound) {
      if (!bytes.empty()) write_file_durably(path, std::vector<std::span<const std::byte>>{bytes});
    }
  }
}

// Of other shapes, as a program with another network would write it.
TEST_F(Resume, RefusesCheckpointsThatDoNotFit) {
  train_to(4);
  const std::vector<float> row(3);
  for (const Index step : {2, 4}) {
    const TensorFile before = TensorFile::read(checkpoint(step));
    TensorFile after;
    after.metadata = before.metadata;
    for (const Tensor& tensor : before.tensors()) after.add(tensor);
    after.add({"blocks.7.weights", DataType::f32, {3}, std::as_bytes(std::span(row))});
    after.write(checkpoint(step));
  }
  const Folder before = folder();
  Notes notes;
  expect_error(ErrorKind::data, "has an array 'blocks.7.weights'",
               [&] { resume(notes, recipe()); });
  EXPECT_EQ(folder(), before);
}

TEST_F(Resume, RefusesWhereTheCheckpointsAreGone) {
  train_to(4);
  for (const Index step : {2, 4}) fs::remove(checkpoint(step));
  expect_refused(ErrorKind::no_input, "step-00000004.kindred: cannot open");
}

TEST_F(Resume, RefusesCheckpointsWithoutTheirLog) {
  train_to(4);
  for (const bool empty : {true, false}) {
    empty ? fs::resize_file(runs_.path("run/metrics.jsonl"), 0)
          : static_cast<void>(fs::remove(runs_.path("run/metrics.jsonl")));
    const Folder before = folder();
    Notes notes;
    expect_error(ErrorKind::data, "holds checkpoints, but no line of",
                 [&] { resume(notes, recipe()); });
    expect_error(ErrorKind::cannot_create, "holds a run already", [&] { train_to(4); });
    EXPECT_EQ(folder(), before);
  }
}

TEST_F(Resume, BeginsAtStepZeroBeforeTheFirstCheckpointOnly) {
  train_to(4, "whole");
  fs::create_directories(runs_.path("run/checkpoints"));
  // Killed between its first checkpoint and the line that acknowledges it.
  fs::copy_file(runs_.path("whole/checkpoints/step-00000002.kindred"), checkpoint(2));
  std::ofstream(runs_.path("run/metrics.jsonl")) << "{\"step\":1,\"loss\":1}\n{\"step\":2,\"lo";
  const Notes notes = resume();
  EXPECT_NE(notes.warnings.find("no acknowledged checkpoint; starting from step 0"),
            std::string::npos);
  runs_.run("undisturbed", recipe(), 1);
  EXPECT_EQ(runs_.checkpoint("run", kSteps), runs_.checkpoint("undisturbed", kSteps));
}

TEST_F(Resume, WarnsWhereAnOlderCheckpointHasToDo) {
  train_to(4);
  flip_last_byte(checkpoint(4));
  const Notes notes = resume();
  EXPECT_NE(notes.warnings.find("step-00000004.kindred: not a sound model or checkpoint"),
            std::string::npos);
  EXPECT_NE(notes.warnings.find("going on from the checkpoint before it, "
                                "checkpoints/step-00000002.kindred of step 2"),
            std::string::npos)
      << notes.warnings;
  runs_.run("undisturbed", recipe(), 1);
  EXPECT_EQ(runs_.checkpoint("run", kSteps), runs_.checkpoint("undisturbed", kSteps));
}

TEST_F(Resume, OfASoundRunIsSilent) {
  train_to(4);
  const Notes notes = resume();
  EXPECT_EQ(notes.warnings, "");
  EXPECT_EQ(notes.notes, "");
}

TEST_F(Resume, NotesThatAnOlderCheckpointDoesNotKnowItsData) {
  train_to(4);
  change_texts(checkpoint(4), [](auto& texts) { EXPECT_EQ(texts.erase("data_fingerprint"), 1u); });
  const Notes notes = resume();
  EXPECT_EQ(notes.warnings, "");
  EXPECT_NE(notes.notes.find("does not say what its data was"), std::string::npos) << notes.notes;
  EXPECT_FALSE(read_checkpoint_header(checkpoint(9)).memory.data.empty());
}

/// The small data as arrays, to be written with something changed.
struct Arrays {
  SmallData data{.test_classes = 2};
  test::SmallSamples samples = test::small_samples(data);
  std::vector<std::string> names;

  Arrays() {
    for (Index i = 0; i < data.classes; ++i) names.push_back("class " + std::to_string(i));
  }
  Index count() const { return static_cast<Index>(samples.labels.size()); }
  void write(const std::string& path, const Hdf5Storage& storage = {}) const {
    Hdf5Writer writer(path);
    writer.write<std::uint8_t>("images", {count(), 8, 8, 1}, samples.images, storage);
    writer.write<std::int64_t>("labels", {count()}, samples.labels);
    writer.write<std::uint8_t>("split", {count()}, samples.split);
    writer.write<float>("targets", {count(), data.targets}, samples.targets);
    writer.write_strings("class_names", names);
    writer.finish();
  }
};

TEST_F(Resume, RefusesOtherDataOfTheSameShapes) {
  const std::string file = runs_.path("data.h5");
  const Arrays arrays;
  arrays.write(file);
  train_to(4);
  const auto changed = [&](const std::string& part, const std::function<void(Arrays&)>& change) {
    SCOPED_TRACE(part);
    Arrays other = arrays;
    change(other);
    other.write(file);
    expect_refused(ErrorKind::recipe, "in " + file + " the " + part);
  };
  changed("training samples", [](Arrays& other) { other.samples.images[1000] ^= 1; });
  // The last is for the test: only the evaluation at the end looks at it.
  changed("samples", [](Arrays& other) { other.samples.images.back() ^= 1; });
  changed("labels",
          [](Arrays& other) { std::swap(other.samples.labels[0], other.samples.labels[9]); });
  changed("split", [](Arrays& other) {
    std::replace(other.samples.split.begin(), other.samples.split.end(), 2, 1);
  });
  changed("class names", [](Arrays& other) { std::swap(other.names[0], other.names[1]); });
  changed("targets", [](Arrays& other) { other.samples.targets[0] += 1; });
  changed("shape", [](Arrays& other) {
    other.samples.images.resize(other.samples.images.size() - 64);
    other.samples.labels.pop_back();
    other.samples.split.pop_back();
    other.samples.targets.resize(other.samples.targets.size() - 3);
  });
  arrays.write(file, {.chunk = {5, 8, 8, 1}, .gzip = 3});  // the same, stored otherwise
  EXPECT_EQ(resume().warnings, "");
}

TEST_F(Resume, TakesDataThatWasMoved) {
  train_to(4);
  fs::create_directory(runs_.path("elsewhere"));
  fs::rename(runs_.path("data.h5"), runs_.path("elsewhere/moved.h5"));
  Recipe moved = recipe();
  moved.set("data.file=\"" + runs_.path("elsewhere/moved.h5") + "\"");
  Notes notes;
  EXPECT_EQ(resume(notes, std::move(moved)).step, kSteps);
  EXPECT_EQ(notes.warnings + notes.notes, "");
}

// The lines of a log but for the time they tell.
std::vector<std::string> untimed(const std::string& path) {
  std::vector<std::string> lines;
  for (Json line : read_run_log(path)) {
    line.erase("train_seconds");
    lines.push_back(line.dump());
  }
  return lines;
}

// A finished run that was resumed had its last evaluations twice, the second not the best any more.
TEST(ResumedLog, IsThatOfAnUninterruptedRunWhereverItWasCut) {
  SmallData data;
  data.test_classes = 2;
  const SmallRun runs(data);
  const auto recipe = [&](Index every) {
    Recipe made = runs.recipe(std::string(test::kMlp) + test::kSoftmax, kSteps);
    made.set("data.validation_classes=3");
    made.set("sampler.classes=4");
    made.set("train.evaluate_every=1");  // epochs
    made.set("train.checkpoint_every=" + std::to_string(every));
    return made;
  };
  for (const Index every : {1, 3, 4}) {
    const std::string name = "every " + std::to_string(every);
    runs.run(name, recipe(every), 1);
    const std::string log = runs.path(name) + "/metrics.jsonl";
    const std::vector<std::string> whole = untimed(log);
    const auto model = runs.model(name);
    std::vector<std::string> lines;
    for (const Json& line : read_run_log(log)) lines.push_back(line.dump() + "\n");
    ASSERT_GT(
        std::count_if(lines.begin(), lines.end(),
                      [](const std::string& line) { return line.find("\"split\"") != line.npos; }),
        2);
    // As after a kill behind the last checkpoint, after each line that follows it.
    const auto acknowledged = std::find_if(lines.rbegin(), lines.rend(), [](const auto& line) {
      return line.find("\"checkpoint\"") != line.npos;
    });
    for (auto cut = acknowledged.base() - lines.begin(); cut <= std::ssize(lines); ++cut) {
      SCOPED_TRACE(name + ", cut after line " + std::to_string(cut));
      std::ofstream file(log, std::ios::trunc);
      for (std::ptrdiff_t i = 0; i < cut; ++i) file << lines[static_cast<std::size_t>(i)];
      file.close();
      for (int times = 0; times < 2; ++times) {
        const RunResult result = runs.run(name, recipe(every), 1, true);
        EXPECT_TRUE(result.complete);
        ASSERT_FALSE(result.evaluations.empty());
        EXPECT_EQ(result.evaluations.back().split, "test");  // told again
        EXPECT_EQ(untimed(log), whole);
        EXPECT_EQ(runs.model(name), model);
      }
    }
  }
}

/// Tries to start another run in the folder at a step of the first.
struct Intruder final : RunObserver {
  explicit Intruder(const SmallRun& in) : runs(in) {}
  void on_step(const StepReport& report, double) override {
    if (report.step != 4) return;
    const std::string holder =
        runs.path("run") + ": another process (pid " + std::to_string(::getpid()) + " on ";
    for (const bool resume : {false, true}) {
      expect_error(ErrorKind::cannot_create, holder,
                   [&] { runs.run("run", runs.recipe(kRecipe, kSteps), 1, resume); });
    }
    ++tried;
  }
  const SmallRun& runs;
  int tried = 0;
};

TEST(RunLock, KeepsASecondRunFromTheFolder) {
  const SmallRun runs;
  Intruder first(runs);
  run_training(runs.recipe(kRecipe, kSteps), {runs.path("run"), false, 1}, first);
  EXPECT_EQ(first.tried, 1);
  runs.run("alone", runs.recipe(kRecipe, kSteps), 1);
  EXPECT_EQ(untimed(runs.path("run/metrics.jsonl")), untimed(runs.path("alone/metrics.jsonl")));
  EXPECT_EQ(runs.model("run"), runs.model("alone"));
  EXPECT_FALSE(fs::exists(runs.path("run/lock")));
}

TEST(RunLock, IsNotKeptByARunThatFailed) {
  const SmallRun runs;
  runs.run("run", runs.recipe(kRecipe, kSteps), 1);
  expect_error(ErrorKind::cannot_create, "holds a run already",
               [&] { runs.run("run", runs.recipe(kRecipe, kSteps), 1); });
  EXPECT_FALSE(fs::exists(runs.path("run/lock")));
}

/// Writes into the data set that a run streams from.
struct Changer final : RunObserver {
  explicit Changer(std::string file) : path(std::move(file)) {}
  void on_step(const StepReport& report, double) override {
    if (report.step != 4) return;
    const auto bytes = fs::file_size(path);
    fs::resize_file(path, bytes / 2);
    fs::resize_file(path, bytes);
    fs::last_write_time(path, fs::last_write_time(path) + std::chrono::seconds(1));
  }
  std::string path;
};

// It trained on, on zeros, and ended with exit code 0.
TEST(ChangedData, EndsAStreamingRunAndLeavesItsCheckpoint) {
  const SmallRun runs({.classes = 40, .samples_per_class = 20, .side = 16});
  Recipe recipe = runs.recipe(kRecipe, 500);
  recipe.set("data.memory='240KiB'");
  Changer changer(runs.path("data.h5"));
  expect_error(ErrorKind::data, runs.path("data.h5") + ": changed while it was in use", [&] {
    run_training(std::move(recipe), {runs.path("run"), false, 1}, changer);
  });
  const auto names = acknowledged_checkpoints(read_run_log(runs.path("run/metrics.jsonl")));
  ASSERT_FALSE(names.empty());
  EXPECT_GE(read_checkpoint_header(runs.path("run/" + names.front())).step, 4);
}

}  // namespace
}  // namespace kindred
