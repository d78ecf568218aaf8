// One operation: a training step with 100,000 classes x 512 numbers of class weights, a batch of
// 256, ArcFace and Adam, with two threads (one, where ranks share it out): data, a network of one
// linear layer, loss, gradient norm and optimizer, as `kindred train` makes it. Cost: the loss
// makes four products of 2 · 256 · 100,000 · 512 operations (the cosines twice, so that they are
// never kept, and the two gradients) and reads the weights twice; the optimizer moves seven arrays
// of the weights' size, 205 MB each. Memory: weights, gradient and two moments, 819 MB; what the
// process takes beyond is printed, after the steps and after a checkpoint.
//
//   [mpirun -n R] classes_bench [class_share] [classes] [numbers of an embedding]
//
// A process measures one setting: peak memory is the process's. Ranks say each what they take:
// `share` is a rank's part of weights, gradient and moments; `replicated` is what every rank takes
// whole: what it has before there is a trainer, program and data.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "kindred/core/matmul.h"
#include "kindred/core/process_group.h"
#include "kindred/core/random.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/train/checkpoint.h"
#include "kindred/train/trainer.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

constexpr Index kBatch = 256;
constexpr Index kFeatures = 16;
constexpr int kSteps = 12;
constexpr double kMegabyte = 1e6;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// A line of what the kernel says of this process's memory, MB.
double memory_line(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kibibytes = 0;
    if (word == name && status >> kibibytes) return kibibytes * 1024 / kMegabyte;
  }
  return 0;
}
double resident_memory() { return memory_line("VmRSS:"); }
/// The most so far.
double peak_memory() { return memory_line("VmHWM:"); }

/// One vector for each class.
void write_data(const std::string& path, Index classes) {
  std::vector<float> vectors(static_cast<std::size_t>(classes * kFeatures));
  Random random(1, Purpose::test);
  for (float& number : vectors) number = random.uniform(-1, 1);
  std::vector<std::int64_t> labels;
  for (Index c = 0; c < classes; ++c) labels.push_back(c);
  Hdf5Writer writer(path);
  writer.write<float>("vectors", {classes, kFeatures}, vectors);
  writer.write<std::int64_t>("labels", {classes}, labels);
  writer.finish();
}

/// The four products of a step: block by block, as the loss makes them, for `classes` classes.
class Products {
 public:
  Products(double classes, Index embedding)
      : blocks_(classes / kRows),
        x_(kBatch, embedding),
        weights_(kRows, embedding),
        diff_x_(kBatch, embedding),
        diff_weights_(kRows, embedding) {
    x_.fill(0.5f);
    weights_.fill(0.25f);
  }
  double seconds(const Workers& workers) {
    const double start = now();
    for (int i = 0; i < 2; ++i) multiply_nt<float>(workers, x_, weights_, products_);
    multiply_nn<float>(workers, products_, weights_, diff_x_, Accumulate::yes);
    multiply_tn<float>(workers, products_, x_, diff_weights_);
    return (now() - start) * blocks_;
  }

 private:
  static constexpr Index kRows = 4096;
  double blocks_;
  Matrix x_;
  Matrix weights_;
  Matrix products_{kBatch, kRows};
  Matrix diff_x_;
  Matrix diff_weights_;
};

std::string recipe_text(const std::string& data, Index embedding, double class_share) {
  return fmt::format(R"(
seed = 1
[data]
file = "{}"
[sampler]
name = "shuffle"
batch = {}
[model]
architecture = "mlp"
hidden = []
embedding = {}
slice = 16
[[loss]]
name = "arcface"
class_share = {}
[optimizer]
name = "adam"
[train]
evaluate_every = 0
)",
                     data, kBatch, embedding, class_share);
}

struct Settings {
  double class_share = 1;
  Index classes = 100'000;
  Index embedding = 512;
};

/// Bytes of the flat arrays of a training, MB: weights, gradient, two moments.
double state_of(const Trainer& trainer) {
  return 4.0 * static_cast<double>(trainer.training_state().table.size()) * sizeof(float) /
         kMegabyte;
}

/// What a rank takes of memory and of time.
void run_rank(const Settings& settings, ProcessGroup& group, const fs::path& folder) {
  const std::string data = folder / "classes.h5";
  write_data(data, settings.classes);
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak begins anew
  Recipe recipe =
      Recipe::from_text(recipe_text(data, settings.embedding, settings.class_share), "bench");
  const Setup setup = read_setup(recipe, "");
  const Workers workers(1);
  const double replicated = resident_memory();
  Trainer trainer(setup, workers, group);
  group.join();
  trainer.step();
  const double state = state_of(trainer);
  const double start = now();
  for (int i = 0; i < kSteps; ++i) trainer.step();
  const double step = (now() - start) / kSteps;
  const double sent = static_cast<double>(trainer.traffic().losses.bytes) / (kSteps + 1);
  const double stepping = peak_memory();
  double writing = now();
  if (group.rank() == 0) {
    write_checkpoint(folder / "checkpoint", trainer.training_state(), RunMemory{});
    trainer.written();
  } else {
    trainer.help_write();
  }
  writing = now() - writing;
  std::string line =
      fmt::format("| {} | {:.0f} | {:.1f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.3f} |",
                  group.rank(), step * 1e3, sent / kMegabyte, state, replicated, stepping,
                  peak_memory(), peak_memory() / (state + replicated));
  if (group.rank() == 0) {
    line +=
        fmt::format("\ncheckpoint of {:.0f} MB in {:.1f} s",
                    static_cast<double>(fs::file_size(folder / "checkpoint")) / kMegabyte, writing);
  }
  const std::vector<std::string> lines = group.gather_texts(line);
  if (group.rank() == 0) {
    fmt::print(
        "| rank | step, ms | sent for the loss, MB | share, MB | replicated, MB | peak, MB "
        "| after a checkpoint, MB | times both |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (auto one = lines.rbegin(); one != lines.rend(); ++one) fmt::print("{}\n", *one);
  }
  group.leave();
}

void run(const Settings& settings, const fs::path& folder) {
  const double class_share = settings.class_share;
  const Index classes = settings.classes;
  const std::string data = folder / "classes.h5";
  write_data(data, classes);
  Recipe recipe = Recipe::from_text(recipe_text(data, settings.embedding, class_share), "bench");
  const Setup setup = read_setup(recipe, "");
  const Workers workers(2);
  Products products(static_cast<double>(classes) * class_share, settings.embedding);
  Trainer trainer(setup, workers);
  trainer.step();
  std::vector<double> steps;
  std::vector<double> losses;
  std::vector<double> ratios;
  std::vector<double> updates;
  for (int i = 0; i < kSteps; ++i) {
    const StepTimes before = trainer.times();
    const double start = now();
    trainer.step();
    steps.push_back(now() - start);
    losses.push_back(trainer.times().loss - before.loss);
    ratios.push_back(losses.back() / products.seconds(workers));
    updates.push_back(trainer.times().update - before.update);
  }
  const double state = state_of(trainer);
  const double stepping = peak_memory() - state;
  const double start = now();
  write_checkpoint(folder / "checkpoint", trainer.training_state(), RunMemory{});
  const double writing = now() - start;
  fmt::print(
      "| class_share | step, ms | loss, ms | x its four products | update, ms "
      "| state, MB | beyond it, MB | after a checkpoint, MB |\n");
  fmt::print("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
  fmt::print("| {} | {:.0f} | {:.0f} | {:.2f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} |\n", class_share,
             median(steps) * 1e3, median(losses) * 1e3, median(ratios), median(updates) * 1e3,
             state, stepping, peak_memory() - state);
  fmt::print("checkpoint of {:.0f} MB in {:.1f} s\n",
             static_cast<double>(fs::file_size(folder / "checkpoint")) / kMegabyte, writing);
}

}  // namespace
}  // namespace kindred

int main(int argc, char** argv) {
  std::string folder = (std::filesystem::temp_directory_path() / "kindred-classes-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return EXIT_FAILURE;
  kindred::Settings settings;
  if (argc > 1) settings.class_share = std::atof(argv[1]);
  if (argc > 2) settings.classes = std::atol(argv[2]);
  if (argc > 3) settings.embedding = std::atol(argv[3]);
  const auto group = kindred::open_process_group();
  if (group->size() > 1) {
    kindred::run_rank(settings, *group, folder);
  } else {
    kindred::run(settings, folder);
  }
  std::filesystem::remove_all(folder);
}
