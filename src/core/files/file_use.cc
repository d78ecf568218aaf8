#include "kindred/core/file_use.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "core/files/file_lock.h"
#include "core/files/output_target.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

using Status = struct stat;

std::optional<Status> status_of(const std::string& path) {
  Status status{};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return status;
}

bool same(const Status& one, const Status& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/// Of "FILE.h5:/group", the file.
std::string without_group(const std::string& path) {
  const std::size_t colon = path.rfind(":/");
  if (colon == path.npos || status_of(path)) return path;
  return path.substr(0, colon);
}

[[noreturn]] void refuse(const std::string& output, const std::string& why) {
  fail(ErrorKind::usage, fmt::format("{}: {}; name another output", output, why));
}

std::string also_named(const std::string& output, const std::string& other) {
  return output == other ? "" : fmt::format(" (as {})", other);
}

bool is_below(const std::string& file, const Status& folder) {
  std::error_code none;
  fs::path at = fs::canonical(file, none);
  while (!none && at.has_relative_path()) {
    at = at.parent_path();
    const auto status = status_of(at.string());
    if (status && same(*status, folder)) return true;
  }
  return false;
}

/// A second name of a file in the folder: what is behind it is read.
std::string name_in(const fs::path& folder, const Status& file) {
  std::error_code none;
  fs::recursive_directory_iterator walk(folder, fs::directory_options::skip_permission_denied,
                                        none);
  for (; !none && walk != fs::recursive_directory_iterator(); walk.increment(none)) {
    const auto status = status_of(walk->path().string());
    if (status && same(*status, file)) return walk->path().string();
  }
  return "";
}

void check_kind(const OutputTarget& output, const FileKind* kind) {
  if (kind == nullptr || !output.exists || !output.replaced || output.status.st_size == 0) return;
  if (kind->is(output.file)) return;
  fail(ErrorKind::usage,
       fmt::format("{}: exists and is not {}, so it is not replaced; name another output, or move "
                   "it away",
                   output.path, kind->name));
}

void check_input(const OutputTarget& output, bool beside_inputs, const std::string& path) {
  const std::string input = without_group(path);
  const auto status = status_of(input);
  if (!status || !output.exists || S_ISCHR(output.status.st_mode)) return;
  if (same(*status, output.status)) {
    refuse(output.path, "is read" + also_named(output.path, path) + " and would be written over");
  }
  if (S_ISDIR(status->st_mode) && !beside_inputs && output.replaced &&
      is_below(output.file, *status)) {
    refuse(output.path, fmt::format("lies in {}, which is read, and would be written over", input));
  }
  if (!S_ISDIR(status->st_mode) || !output.replaced || output.status.st_nlink < 2) return;
  const std::string name = name_in(input, output.status);
  const bool own = beside_inputs &&
                   fs::path(name).lexically_normal() == fs::path(output.file).lexically_normal();
  if (!name.empty() && !own) {
    refuse(output.path, fmt::format("is read (as {}) and would be written over", name));
  }
}

/// Two names of one file, also where it is not there yet.
bool same_target(const OutputTarget& one, const OutputTarget& other) {
  if (one.exists != other.exists) return false;
  if (one.exists) return same(one.status, other.status) && !S_ISCHR(one.status.st_mode);
  const auto name = [](const OutputTarget& target) { return fs::path(target.file).filename(); };
  if (name(one) != name(other)) return false;
  const auto here = status_of(one.folder());
  const auto there = status_of(other.folder());
  if (here && there) return same(*here, *there);
  return !here && !there &&
         fs::absolute(one.file).lexically_normal() == fs::absolute(other.file).lexically_normal();
}

/// `kindred inspect a.h5 >>a.h5`.
void check_standard_output(const std::string& path) {
  const auto status = status_of(without_group(path));
  if (!status || !S_ISREG(status->st_mode)) return;
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    Status own{};
    if (::fstat(descriptor, &own) == 0 && same(own, *status)) {
      refuse(descriptor == STDOUT_FILENO ? "standard output" : "standard error",
             fmt::format("goes to {}, which is read", path));
    }
  }
}

}  // namespace

void FileUse::reads(const std::string& path) {
  if (!path.empty()) inputs_.push_back(path);
}

void FileUse::writes(const std::string& path, const FileKind* kind) {
  outputs_.push_back({.path = path, .kind = kind});
}

void FileUse::writes_locked(const std::string& path, const FileKind* kind) {
  outputs_.push_back({.path = path, .kind = kind, .locked_by_work = true});
}

void FileUse::writes_beside_inputs(const std::string& path, const FileKind* kind) {
  outputs_.push_back({.path = path, .kind = kind, .locked_by_work = true, .beside_inputs = true});
}

void FileUse::may_write(const std::string& path, const FileKind* kind) {
  outputs_.push_back({.path = path, .kind = kind, .needed = false});
}

void FileUse::makes(const std::string& folder) { folders_.push_back(folder); }

void FileUse::add(const FileUse& other) {
  inputs_.insert(inputs_.end(), other.inputs_.begin(), other.inputs_.end());
  outputs_.insert(outputs_.end(), other.outputs_.begin(), other.outputs_.end());
  folders_.insert(folders_.end(), other.folders_.begin(), other.folders_.end());
}

bool FileUse::lies_in_what_is_made(const OutputTarget& target) const {
  if (target.exists || status_of(target.folder())) return false;
  const fs::path wanted = fs::absolute(target.folder()).lexically_normal();
  return std::any_of(folders_.begin(), folders_.end(), [&](const std::string& made) {
    const fs::path root = fs::absolute(made).lexically_normal() / "";
    const std::string text = (wanted / "").lexically_normal().string();
    return text.starts_with(root.string());
  });
}

void FileUse::check() const {
  for (const std::string& folder : folders_) require_folder(folder);
  std::vector<OutputTarget> targets;
  for (const Output& output : outputs_) {
    if (output.path.empty()) refuse("an output", "its name is empty");
    targets.push_back(find_target(output.path));
    for (const std::string& input : inputs_) {
      check_input(targets.back(), output.beside_inputs, input);
    }
    for (std::size_t i = 0; i + 1 < targets.size(); ++i) {
      if (same_target(targets[i], targets.back())) {
        refuse(output.path, "would be written twice" + also_named(output.path, targets[i].path));
      }
    }
  }
  for (const std::string& input : inputs_) check_standard_output(input);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const OutputTarget& target = targets[i];
    if (!outputs_[i].needed) continue;
    if (lies_in_what_is_made(target)) continue;
    require_writable(target);
  }
  for (std::size_t i = 0; i < targets.size(); ++i) check_kind(targets[i], outputs_[i].kind);
}

struct KINDRED_HIDDEN OutputLocks::Impl {
  std::vector<FileLock> locks;
  std::string unsupported;
};

OutputLocks::OutputLocks(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OutputLocks::OutputLocks(OutputLocks&&) noexcept = default;
OutputLocks& OutputLocks::operator=(OutputLocks&&) noexcept = default;
OutputLocks::~OutputLocks() = default;

const std::string& OutputLocks::unsupported() const { return impl_->unsupported; }

OutputLocks FileUse::lock() const {
  auto held = std::make_unique<OutputLocks::Impl>();
  for (const Output& output : outputs_) {
    if (output.locked_by_work || !output.needed) continue;
    const OutputTarget target = find_target(output.path);
    if (!target.replaced || lies_in_what_is_made(target)) continue;
    held->locks.push_back(FileLock::of_output(output.path));
    const std::string& why = held->locks.back().unsupported();
    if (!why.empty()) held->unsupported = output.path + ": " + why;
  }
  return OutputLocks(std::move(held));
}

}  // namespace kindred
