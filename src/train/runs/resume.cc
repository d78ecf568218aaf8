#include "train/runs/resume.h"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <vector>

#include "kindred/core/error.h"
#include "train/runs/data_fingerprint.h"
#include "train/runs/run_log.h"

namespace kindred {
namespace {

constexpr const char* kAnew =
    "the folder is left as it is; to begin anew, name another one with --out, or move this one "
    "away";

/// What of a folder's acknowledged checkpoints could not be used, newest first.
class Refused {
 public:
  void add(const Error& error) {
    if (!newest_) newest_ = error;
    // Of the older ones all but a few were removed, as they should be.
    if (!cause_ && error.kind() != ErrorKind::no_input) cause_ = error;
  }
  const std::optional<Error>& newest() const { return newest_; }

  [[noreturn]] void fail_all(const RunFolder& folder) const {
    const Error& cause = cause_ ? *cause_ : *newest_;
    fail(cause.kind(), fmt::format("{}: no acknowledged checkpoint can be used: {}; {}",
                                   folder.path(), cause.what(), kAnew));
  }

 private:
  std::optional<Error> newest_;
  std::optional<Error> cause_;
};

/// use(name) of the newest checkpoint that lets it; `refused` keeps why others do not. Errors of
/// the recipe pass through: they are not the checkpoint's.
template <typename Use>
auto newest_usable(const RunFolder& folder, const std::vector<std::string>& names, Refused& refused,
                   Use use) {
  for (const std::string& name : names) {
    try {
      return use(name);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::recipe) throw;
      refused.add(error);
    }
  }
  refused.fail_all(folder);
}

void check_same_data(const RunMemory& saved, const RunMemory& asked, const std::string& path,
                     RunObserver& observer) {
  if (saved.data.empty()) {
    observer.on_note(
        fmt::format("{} does not say what its data was: whether {} is still the same "
                    "was not checked",
                    path, asked.data_path));
    return;
  }
  const std::string part = changed_data(saved.data, asked.data, path);
  if (part.empty()) return;
  fail(ErrorKind::recipe,
       fmt::format("cannot resume {} with other data: in {} the {} changed since; put the data "
                   "back, or start a new run with train.initial; {}",
                   path, asked.data_path, part, kAnew));
}

}  // namespace

Resumed resume_training(const RunFolder& folder, const RunMemory& asked, TrainingState& training,
                        RunObserver& observer) {
  const std::vector<Json> lines = read_run_log(folder.log());
  const std::vector<std::string> names = acknowledged_checkpoints(lines);
  if (names.empty()) {
    if (lines.empty() && folder.has_checkpoints()) {
      fail(ErrorKind::data,
           fmt::format("{}: holds checkpoints, but no line of {} acknowledges them; put that file "
                       "back; {}",
                       folder.path(), folder.log(), kAnew));
    }
    const std::string text = folder.path() + ": no acknowledged checkpoint; starting from step 0";
    lines.empty() ? observer.on_note(text) : observer.on_warning(text);
    return {};
  }
  Refused refused;
  Resumed resumed = newest_usable(folder, names, refused, [&](const std::string& name) {
    const std::string path = folder.path() + "/" + name;
    const CheckpointHeader header = read_checkpoint_header(path);
    check_same_recipe(header.memory.recipe, asked.recipe, path);
    check_same_data(header.memory, asked, path, observer);
    return Resumed{name, read_checkpoint(path, training), header.level};
  });
  if (refused.newest()) {
    observer.on_warning(fmt::format("{}; going on from the checkpoint before it, {} of step {}",
                                    refused.newest()->what(), resumed.checkpoint, training.step));
  }
  return resumed;
}

Recipe recipe_of_run(const std::string& path) {
  const RunFolder folder(path);
  const std::vector<std::string> names = acknowledged_checkpoints(read_run_log(folder.log()));
  if (names.empty()) {
    // A run that is alive and has none yet is what to name.
    if (folder.exists()) static_cast<void>(folder.lock());
    fail(ErrorKind::no_input,
         fmt::format("{}: nothing to resume: it has no acknowledged checkpoint; name the recipe to "
                     "start over",
                     path));
  }
  Refused refused;
  try {
    return newest_usable(folder, names, refused, [&](const std::string& name) {
      const std::string checkpoint = path + "/" + name;
      return Recipe::from_text(with_absolute_data(read_checkpoint_header(checkpoint).memory),
                               checkpoint);
    });
  } catch (const Error&) {
    // A run that is alive removes checkpoints while they are looked for: then it is what to name.
    static_cast<void>(folder.lock());
    throw;
  }
}

}  // namespace kindred
