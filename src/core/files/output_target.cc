#include "core/files/output_target.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "core/files/fail_io.h"
#include "core/files/partial_file.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // as Linux follows

bool same_file(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/// The descriptor of this process that a path names, -1 where it names none. By the name: what such
/// links say is not where they lead, and without /proc they lead nowhere.
int descriptor_named(std::string_view path) {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    int number = -1;
    const char* const end = path.data() + path.size();
    const auto read = std::from_chars(path.data() + folder.size(), end, number);
    if (read.ec == std::errc() && read.ptr == end) return number;
  }
  return -1;
}

bool may_be_written(int descriptor) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

/// Where the link at `at` leads, or `at` itself where only the system knows that (/proc/7/fd/3).
std::string behind_link(const std::string& at) {
  std::error_code error;
  const fs::path text = fs::read_symlink(at, error);
  if (error) return at;
  std::string next = (fs::path(at).parent_path() / text).string();
  struct stat through {};
  struct stat named {};
  if (::stat(at.c_str(), &through) != 0) return next;
  return ::stat(next.c_str(), &named) == 0 && same_file(through, named) ? next : at;
}

/// Where the program's own output goes into the file: replacing it would lose one of the two.
int standard_stream_to(const struct stat& status) {
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) return -1;
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat own {};
    if (::fstat(descriptor, &own) == 0 && same_file(own, status) && may_be_written(descriptor)) {
      return descriptor;
    }
  }
  return -1;
}

/// One of the folders on the way may be what is wrong.
std::string with_folder(const OutputTarget& target, int reason) {
  return fmt::format("its folder {}: {}", target.folder(), std::strerror(reason));
}

/// A name in a folder like /tmp belongs to who made it.
bool is_of_others(const OutputTarget& target) {
  struct stat folder {};
  if (!target.exists || ::stat(target.folder().c_str(), &folder) != 0) return false;
  const uid_t self = ::geteuid();
  return (folder.st_mode & S_ISVTX) != 0 && self != 0 && target.status.st_uid != self &&
         folder.st_uid != self;
}

/// Something that another file system lies on cannot be renamed over.
bool is_mount_point(const std::string& file) {
  struct statx status {};
  return ::statx(AT_FDCWD, file.c_str(), AT_SYMLINK_NOFOLLOW, 0, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace

std::string OutputTarget::folder() const {
  const std::string parent = fs::path(file).parent_path().string();
  return parent.empty() ? "." : parent;
}

void fail_to_create(const std::string& path, const std::string& why) {
  fail(ErrorKind::cannot_create, fmt::format("{}: cannot create: {}", path, why));
}

void fail_to_create(const std::string& path, int reason) {
  fail(kind_of_failure(reason, ErrorKind::cannot_create),
       fmt::format("{}: cannot create: {}", path, text_of_failure(reason)));
}

OutputTarget find_target(const std::string& path) {
  OutputTarget target{.path = path, .file = path};
  for (int links = 0;; ++links) {
    const int named = descriptor_named(target.file);
    if (named >= 0) {
      if (::fstat(named, &target.status) != 0 || !may_be_written(named)) {
        fail_to_create(path, fmt::format("descriptor {} is not open for writing", named));
      }
      target.exists = true;
      target.replaced = false;
      target.descriptor = named;
      return target;
    }
    if (::lstat(target.file.c_str(), &target.status) != 0) {
      if (errno != ENOENT) fail_to_create(path, errno);
      return target;  // a new file
    }
    if (!S_ISLNK(target.status.st_mode)) break;
    if (links == kMostLinks) fail_to_create(path, ELOOP);
    std::string next = behind_link(target.file);
    if (next == target.file) {
      if (::stat(target.file.c_str(), &target.status) != 0) fail_to_create(path, errno);
      target.exists = true;
      target.replaced = false;
      return target;
    }
    target.file = std::move(next);
  }
  target.exists = true;
  target.descriptor = standard_stream_to(target.status);
  target.replaced = S_ISREG(target.status.st_mode) && target.descriptor < 0;
  return target;
}

void check_target(const OutputTarget& target) {
  if (target.descriptor >= 0) return;
  const std::string& path = target.path;
  if (target.exists) {
    const mode_t mode = target.status.st_mode;
    if (S_ISDIR(mode)) fail_to_create(path, "it is a folder; name a file");
    if (S_ISBLK(mode))
      fail_to_create(path, "it is a disk, which would be written over; name a file");
    if (S_ISSOCK(mode)) fail_to_create(path, "it is a socket; name a file");
    if (::faccessat(AT_FDCWD, target.file.c_str(), W_OK, AT_EACCESS) != 0) {
      fail_to_create(path, fmt::format("it may not be written: {}", std::strerror(errno)));
    }
    if (!target.replaced) return;
    if (is_of_others(target)) {
      fail_to_create(path, "it belongs to somebody else, whose name for it stays in this folder");
    }
    if (is_mount_point(target.file)) {
      fail_to_create(path, "something is mounted on it; name a file in a folder that is mounted");
    }
  } else if (fs::path(target.file).filename().empty()) {
    fail_to_create(path, path.empty() ? "the name is empty" : "it names a folder; name a file");
  }
  struct stat folder {};
  if (::stat(target.folder().c_str(), &folder) != 0) {
    fail_to_create(path, with_folder(target, errno));
  }
  if (!S_ISDIR(folder.st_mode)) fail_to_create(path, with_folder(target, ENOTDIR));
}

void require_writable(const OutputTarget& target) {
  check_target(target);
  if (!target.replaced) return;
  // A file without a name, where the file system has such; otherwise one that is gone at once.
  const FileHandle nameless = FileHandle::open(target.folder(), O_TMPFILE | O_WRONLY, 0600);
  if (!nameless.valid()) const PartialFile tried(target);
}

void require_folder(const std::string& folder) {
  fs::path there = fs::absolute(folder).lexically_normal();
  struct stat status {};
  while (::stat(there.c_str(), &status) != 0) {
    if (errno != ENOENT || !there.has_relative_path()) {
      fail(ErrorKind::cannot_create,
           fmt::format("{}: cannot create the folder: {}", folder, std::strerror(errno)));
    }
    there = there.parent_path();
  }
  int reason = S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
  if (reason == 0 && ::faccessat(AT_FDCWD, there.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    reason = errno;
  }
  if (reason == 0) return;
  fail(ErrorKind::cannot_create, fmt::format("{}: cannot create the folder: {}: {}", folder,
                                             there.string(), std::strerror(reason)));
}

}  // namespace kindred
