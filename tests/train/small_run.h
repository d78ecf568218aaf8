#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kindred/core/file.h"
#include "kindred/train/run.h"
#include "support/small_data.h"
#include "support/temp_folder.h"
#include "support/thread_group.h"

namespace kindred::test {

inline constexpr const char* kConv4 =
    "[model]\narchitecture = 'conv4'\nwidth = 16\nembedding = 8\nslice = 4\n";
inline constexpr const char* kMlp =
    "[model]\narchitecture = 'mlp'\nhidden = [20]\nembedding = 8\nslice = 4\n";
inline constexpr const char* kSoftmax = "[[loss]]\nname = 'softmax'\n";

/// A data set and run folders for tests of whole runs.
class SmallRun {
 public:
  explicit SmallRun(const SmallData& data = {}) { write_small_data(folder_ / "data.h5", data); }

  /// A recipe over the data set: batches of 6 classes x 4, `steps` planned steps.
  Recipe recipe(const std::string& text, Index steps) const {
    Recipe recipe = Recipe::from_text(text, "test");
    recipe.set("data.file=\"" + (folder_ / "data.h5") + "\"");
    recipe.set("sampler.classes=6");
    recipe.set("sampler.samples_per_class=4");
    recipe.set("train.epochs=1000");
    recipe.set("train.planned_steps=" + std::to_string(steps));
    return recipe;
  }

  RunResult run(const std::string& name, Recipe from, int threads, bool resume = false) const {
    RunObserver silent;
    return run_training(std::move(from), {folder_ / name, resume, threads}, silent);
  }

  /// The same by several ranks. Data sets are opened before there are threads: what is forked
  /// beside others would wait for ever in a sanitizer's allocator.
  void run_ranks(const std::string& name, const std::function<Recipe()>& from, int ranks,
                 int threads, bool resume = false) const {
    std::vector<std::unique_ptr<Dataset>> data;
    for (int rank = 0; rank < ranks; ++rank) {
      const Index memory = read_memory(from().root().section("data"));
      data.push_back(std::make_unique<Dataset>(Dataset::open(folder_ / "data.h5", memory)));
    }
    ThreadRanks(ranks).run([&](ProcessGroup& group) {
      RunObserver silent;
      RunOptions options{folder_ / name, resume, threads};
      options.group = &group;
      run_training(from(), std::move(data[static_cast<std::size_t>(group.rank())]), options,
                   silent);
    });
  }

  /// The newest checkpoint of a run: parameters, moments and state.
  std::vector<std::byte> checkpoint(const std::string& name, Index step) const {
    char file[64];
    std::snprintf(file, sizeof file, "/checkpoints/step-%08td.kindred", step);
    return read_file((folder_ / name) + file);
  }
  std::vector<std::byte> model(const std::string& name) const {
    return read_file((folder_ / name) + "/model.kindred");
  }
  std::string path(const std::string& name) const { return folder_ / name; }

 private:
  TempFolder folder_;
};

}  // namespace kindred::test
