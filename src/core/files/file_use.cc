#include "kindred/core/file_use.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

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

void FileUse::writes(const std::string& path) { outputs_.push_back({path}); }

void FileUse::writes_beside_inputs(const std::string& path) { outputs_.push_back({path, true}); }

void FileUse::may_write(const std::string& path) { outputs_.push_back({path, false, false}); }

void FileUse::makes(const std::string& folder) { folders_.push_back(folder); }

void FileUse::add(const FileUse& other) {
  inputs_.insert(inputs_.end(), other.inputs_.begin(), other.inputs_.end());
  outputs_.insert(outputs_.end(), other.outputs_.begin(), other.outputs_.end());
  folders_.insert(folders_.end(), other.folders_.begin(), other.folders_.end());
}

bool FileUse::will_be_made(const std::string& folder) const {
  const fs::path wanted = fs::absolute(folder).lexically_normal();
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
    if (!target.exists && !status_of(target.folder()) && will_be_made(target.folder())) continue;
    require_writable(target);
  }
}

}  // namespace kindred
