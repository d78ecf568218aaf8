#include "train/runs/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <system_error>
#include <vector>

#include "core/files/partial_file.h"
#include "core/texts/json_text.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/text.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

// Keys that change neither the numbers nor their order.
const std::set<std::string> kFree = {"train.steps", "train.keep_checkpoints", "data.file",
                                     "data.memory", "train.initial"};

bool is_checkpoint(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with("step-") && name.ends_with(".kindred");
}

}  // namespace

std::string RunFolder::checkpoint_name(Index step) const {
  return fmt::format("checkpoints/step-{:08}.kindred", step);
}

bool RunFolder::exists() const {
  std::error_code ignored;
  return fs::is_directory(path_, ignored);
}

bool RunFolder::has_checkpoints() const {
  std::error_code ignored;
  const fs::directory_iterator entries(checkpoints(), ignored);
  return std::any_of(begin(entries), end(entries),
                     [](const auto& entry) { return is_checkpoint(entry.path()); });
}

std::optional<FileLock> RunFolder::lock_if_there(bool claims) const {
  if (!exists()) return std::nullopt;
  std::optional<FileLock> held(lock());
  if (claims) claim();
  return held;
}

void RunFolder::claim() const {
  std::error_code unknown;  // where it may not be looked at, it cannot be made either: that is told
  if (!fs::exists(log(), unknown) && !has_checkpoints()) return;
  fail(ErrorKind::cannot_create,
       fmt::format("{}: holds a run already; go on with it by --resume, or name another folder "
                   "with --out",
                   path_));
}

RunFolder RunFolder::make_new(const std::string& path, MadeFolders& made) {
  std::string name = path;
  for (int number = 2; !made.make_new(name); ++number) name = fmt::format("{}-{}", path, number);
  return RunFolder(name);
}

void RunFolder::clean() const {
  for (const std::string& folder : {path_, checkpoints()}) PartialFile::remove_left_in(folder);
}

void RunFolder::drop_old_checkpoints(Index keep, Index step) const {
  std::vector<fs::path> found;
  const std::string newest = fs::path(checkpoint_name(step)).filename().string();
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(checkpoints(), code)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".partial")) {
      fs::remove(entry.path(), code);
    } else if (is_checkpoint(entry.path()) && name <= newest) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep) < found.size(); ++i) {
    fs::remove(found[i], code);
  }
}

std::string with_absolute_data(const RunMemory& memory) {
  Recipe recipe = Recipe::from_text(memory.recipe, "recipe");
  recipe.set("data.file=" + quoted(text_of_path(memory.data_path)));
  return recipe.resolved();
}

std::string with_data_as_saved(const std::string& asked, const std::string& saved) {
  Recipe recipe = Recipe::from_text(asked, "recipe");
  const auto before = Recipe::from_text(saved, "checkpoint").flat();
  const auto file = before.find("data.file");
  if (file != before.end()) recipe.set("data.file=" + file->second);
  return recipe.resolved();
}

void check_same_recipe(const std::string& saved, const std::string& asked,
                       const std::string& checkpoint) {
  const auto before = Recipe::from_text(saved, checkpoint).flat();
  const auto now = Recipe::from_text(asked, "recipe").flat();
  std::set<std::string> keys;
  for (const auto& [key, value] : before) keys.insert(key);
  for (const auto& [key, value] : now) keys.insert(key);
  const auto text = [](const auto& values, const std::string& key) {
    const auto found = values.find(key);
    return found == values.end() ? std::string("absent") : found->second;
  };
  for (const std::string& key : keys) {
    if (kFree.contains(key) || text(before, key) == text(now, key)) continue;
    fail(ErrorKind::recipe,
         fmt::format("cannot resume {} with another '{}': it was {}, now {}; set it back, or start "
                     "a new run with train.initial",
                     checkpoint, key, text(before, key), text(now, key)));
  }
}

RetrievalResult evaluate_rows(ConstMatrixView rows, const Dataset& dataset,
                              std::span<const Index> samples, const Workers& workers) {
  std::vector<std::int64_t> labels;
  labels.reserve(samples.size());
  for (const Index sample : samples) {
    labels.push_back(dataset.labels()[static_cast<std::size_t>(sample)]);
  }
  RetrievalOptions options;
  options.leave_one_out = true;
  return evaluate_retrieval(workers, rows, labels, rows, labels, options);
}

void check_finite(ConstMatrixView embeddings) {
  for (Index i = 0; i < embeddings.rows(); ++i) {
    const float* const row = embeddings.row(i);
    if (std::all_of(row, row + embeddings.cols(), [](float x) { return std::isfinite(x); })) {
      continue;
    }
    fail(ErrorKind::diverged,
         "training diverged: the embeddings of an evaluation are not finite; lower "
         "optimizer.learning_rate or set optimizer.clip_norm");
  }
}

Matrix finite_embeddings(const Embedder& embedder, const Dataset& dataset,
                         std::span<const Index> samples) {
  Matrix embeddings = embedder.embed(dataset, samples);
  check_finite(embeddings);
  return embeddings;
}

}  // namespace kindred
