#include "core/files/partial_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>

#include "core/files/fail_io.h"
#include "core/files/positioned_io.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnd = ".partial";
constexpr std::size_t kDigits = 8;
constexpr std::size_t kMostName = 255 - kDigits - 1 - kEnd.size();  // of what a file system takes
constexpr int kTries = 100;

std::string random_digits() {
  std::uint32_t number = 0;
  if (::getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number) {
    number = static_cast<std::uint32_t>(::getpid());  // O_EXCL finds out, and the next is tried
  }
  return fmt::format("{:08x}", number);
}

/// What "out.h5.1f09c3d2.partial" is to become, "out.h5"; "" of other names.
std::string_view target_of(std::string_view file) {
  constexpr std::size_t kAdded = 1 + kDigits + kEnd.size();
  if (file.size() <= kAdded || !file.ends_with(kEnd)) return "";
  const std::string_view name = file.substr(0, file.size() - kAdded);
  const std::string_view digits = file.substr(name.size() + 1, kDigits);
  const bool made =
      file[name.size()] == '.' && digits.find_first_not_of("0123456789abcdef") == digits.npos;
  return made ? name : "";
}

bool is_at(const FileHandle& file, const std::string& path) {
  struct stat own {};
  struct stat there {};
  return ::fstat(file.get(), &own) == 0 && ::lstat(path.c_str(), &there) == 0 &&
         own.st_dev == there.st_dev && own.st_ino == there.st_ino;
}

/// Those for all targets where `name` is empty.
void remove_left(const std::string& folder, const std::string& name) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), &::closedir);
  if (!entries) return;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view target = target_of(entry->d_name);
    if (target.empty() || (!name.empty() && target != name)) continue;
    const std::string path = folder + "/" + entry->d_name;
    const FileHandle file = FileHandle::open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    struct stat status {};
    if (!file.valid() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0 && is_at(file, path)) ::unlink(path.c_str());
  }
}

}  // namespace

PartialFile::PartialFile(const OutputTarget& target) {
  create(target.folder(), fs::path(target.file).filename().string(), target.path);
  if (!target.exists) return;
  // Who replaces a private file, or as root that of somebody, keeps it as it was. What is not
  // granted is no matter: without it the file is the writer's own.
  const struct stat& old = target.status;
  if (::geteuid() == 0) static_cast<void>(::fchown(file_.get(), old.st_uid, old.st_gid) == 0);
  static_cast<void>(::fchmod(file_.get(), old.st_mode & 0777) == 0);
}

PartialFile PartialFile::temporary(const std::string& path) {
  std::error_code none;
  const fs::path folder = fs::temp_directory_path(none);
  if (none) fail_to_create(path, "no folder for temporary files: " + none.message());
  PartialFile file;
  file.create(folder.string(), "kindred", path);
  return file;
}

void PartialFile::remove_left_in(const std::string& folder) { remove_left(folder, ""); }

PartialFile::~PartialFile() {
  if (file_.valid() && is_own()) ::unlink(path_.c_str());
}

bool PartialFile::is_own() const { return is_at(file_, path_); }

void PartialFile::create(const std::string& folder, const std::string& name,
                         const std::string& path) {
  const std::string shown = name.substr(0, kMostName);
  remove_left(folder, shown);
  int reason = EEXIST;
  for (int i = 0; i < kTries && reason == EEXIST; ++i) {
    path_ = fmt::format("{}/{}.{}{}", folder, shown, random_digits(), kEnd);
    FileHandle file = FileHandle::open(path_, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
    reason = file.valid() ? 0 : errno;
    if (reason != 0) continue;
    // Where the file system has no locks, nobody takes it for left behind either.
    while (::flock(file.get(), LOCK_EX) != 0 && errno == EINTR) {
    }
    file_ = std::move(file);
    if (is_own()) return;
    file_ = FileHandle();  // taken for left behind before it was locked
    reason = EEXIST;
  }
  fail_to_create(path, reason);
}

void PartialFile::put_in_place(const std::string& to, const std::string& path) {
  sync_to_disk(file_.get(), path);
  // The lock stays until the name is given.
  const FileHandle locked(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0));
  const std::string from = path_;
  const bool own = is_own();
  const bool closed = file_.close();
  const int reason = errno;
  try {
    errno = reason;
    if (!closed) fail_io(path, "closing");
    if (!own) fail(ErrorKind::io, fmt::format("{}: somebody took {} away", path, from));
    if (::rename(from.c_str(), to.c_str()) != 0) fail_io(path, "renaming into place");
  } catch (...) {
    if (own) ::unlink(from.c_str());
    throw;
  }
  const std::string parent = fs::path(to).parent_path().string();
  sync_folder(parent.empty() ? "." : parent, path);
}

}  // namespace kindred
