#include "core/files/made_folders.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "core/files/fail_io.h"
#include "core/files/positioned_io.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kRights = 0777;  // but for what umask takes

[[noreturn]] void fail_to_make(const std::string& path, int reason) {
  fail(kind_of_failure(reason, ErrorKind::cannot_create),
       fmt::format("{}: cannot create the folder: {}", path, text_of_failure(reason)));
}

bool is_folder_now(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// "runs/a" of "runs/a/": what has a parent.
fs::path without_end(const std::string& path) {
  const fs::path whole(path);
  return whole.has_filename() ? whole : whole.parent_path();
}

}  // namespace

MadeFolders::~MadeFolders() {
  for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder) ::rmdir(folder->c_str());
}

void MadeFolders::make(const std::string& path) {
  if (!make_one(path) && !is_folder_now(path)) fail_to_make(path, ENOTDIR);
}

bool MadeFolders::make_new(const std::string& path) { return make_one(path); }

// False where something has that name.
bool MadeFolders::make_one(const std::string& path) {
  const fs::path folder = without_end(path);
  const fs::path parent = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
  if (::mkdir(folder.c_str(), kRights) != 0) {
    if (errno == EEXIST) return false;
    if (errno != ENOENT || !folder.has_parent_path() || is_folder_now(parent)) {
      fail_to_make(path, errno);
    }
    make(parent.string());
    if (::mkdir(folder.c_str(), kRights) != 0) {
      if (errno == EEXIST) return false;
      fail_to_make(path, errno);
    }
  }
  made_.push_back(folder.string());
  sync_folder(parent.string(), path);
  return true;
}

}  // namespace kindred
