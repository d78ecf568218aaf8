#include "core/files/file_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>
#include <thread>

#include "core/files/fail_io.h"
#include "core/host_name.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

// For one that has just taken the lock to write its name: it takes microseconds.
constexpr int kLockTries = 100;
constexpr std::chrono::milliseconds kPause{5};

constexpr std::string_view kLockEnd = ".lock";
constexpr std::size_t kMostLockName = 255 - 16 - kLockEnd.size();  // of what a file system takes

constexpr std::string_view kBegin = "pid ";
constexpr std::string_view kMiddle = " on ";

/// Who holds a lock, as its file says.
struct Holder {
  pid_t process = 0;  ///< 0: not known
  std::string host;

  std::string text() const { return fmt::format("{}{}{}{}", kBegin, process, kMiddle, host); }
};

Holder this_process() { return {::getpid(), host_name()}; }

std::string read_text(int file) {
  std::array<char, 512> bytes{};
  const ssize_t size = ::pread(file, bytes.data(), bytes.size(), 0);
  return {bytes.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

Holder read_holder(int file) {
  const std::string all = read_text(file);
  const std::string_view line = std::string_view(all).substr(0, all.find('\n'));
  const std::size_t middle = line.find(kMiddle);
  if (line.size() == all.size() || !line.starts_with(kBegin) || middle == line.npos) return {};
  Holder holder;
  const char* const end = line.data() + middle;
  const auto [stop, code] = std::from_chars(line.data() + kBegin.size(), end, holder.process);
  if (code != std::errc() || stop != end || holder.process < 1) return {};
  holder.host = line.substr(middle + kMiddle.size());
  return holder;
}

/// Empty, or what write_holder() writes; or zeros, where the power went off before that was on the
/// disk.
bool is_lock(int file) {
  const std::string text = read_text(file);
  return text.find_first_not_of('\0') == text.npos || text.starts_with(kBegin);
}

/// False where that process is no more: whoever holds the lock now has not written its name yet.
bool may_live(const Holder& holder) {
  if (holder.host != this_process().host) return true;
  return ::kill(holder.process, 0) == 0 || errno != ESRCH;
}

}  // namespace

FileLock::FileLock(std::string path, const std::string& guarded) : path_(std::move(path)) {
  Holder holder;
  for (int tried = 0; tried < kLockTries; ++tried) {
    if (take(guarded)) return;
    holder = read_holder(file_.get());
    if (holder.process != 0 && may_live(holder)) break;
    std::this_thread::sleep_for(kPause);
  }
  fail(ErrorKind::cannot_create,
       fmt::format("{}: another process ({}) is writing it; wait until that has ended, or name "
                   "another place",
                   guarded, holder.process != 0 ? holder.text() : "not known which"));
}

FileLock FileLock::of_output(const std::string& output) {
  std::error_code code;
  std::filesystem::path target = std::filesystem::weakly_canonical(output, code);
  if (code) target = output;
  std::string name = target.filename().string();
  if (name.size() > kMostLockName) {
    name.replace(kMostLockName, name.npos, hex(checksum(std::as_bytes(std::span(name)))));
  }
  return {target.replace_filename(name + std::string(kLockEnd)).string(), output};
}

FileLock::Held FileLock::look_at(const std::string& path) {
  const FileHandle file = FileHandle::open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file.valid()) return Held::nobody;
  const Holder holder = read_holder(file.get());
  // Who has just taken it has not written its name yet.
  if (holder.process == 0 || may_live(holder)) return Held::somebody;
  return Held::one_that_is_no_more;
}

FileLock::~FileLock() {
  // The name goes while the lock is held: whoever opened the file before finds that it is not in
  // place any more, and tries again.
  if (file_.valid() && is_in_place()) ::unlink(path_.c_str());
}

// False where another has it; file_ is then open, to see who.
bool FileLock::take(const std::string& guarded) {
  const auto refuse = [&](const std::string& why, ErrorKind kind) {
    file_ = FileHandle();
    fail(kind, fmt::format("{}: cannot create {}: {}", guarded, path_, why));
  };
  for (;;) {
    constexpr int kFlags = O_NOFOLLOW | O_NONBLOCK;
    FileHandle file = FileHandle::open(path_, O_RDWR | O_CREAT | kFlags, 0644);
    // What somebody else left in a common folder can be locked all the same.
    if (!file.valid() && errno == EACCES) file = FileHandle::open(path_, O_RDONLY | kFlags);
    struct stat status {};
    if (!file.valid() || ::fstat(file.get(), &status) != 0) {
      const int reason = errno;
      refuse(text_of_failure(reason), kind_of_failure(reason, ErrorKind::cannot_create));
    }
    if (!S_ISREG(status.st_mode) || !is_lock(file.get())) {
      refuse("something that is not a lock of Kindred's has that name; move it away",
             ErrorKind::cannot_create);
    }
    file_ = std::move(file);
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return false;
      unsupported_ = std::strerror(errno);
    }
    if (!is_in_place()) continue;  // its holder removed it between our two calls
    write_holder();
    return true;
  }
}

bool FileLock::is_in_place() const {
  struct stat own {};
  struct stat named {};
  return ::fstat(file_.get(), &own) == 0 && ::stat(path_.c_str(), &named) == 0 &&
         own.st_dev == named.st_dev && own.st_ino == named.st_ino;
}

// For messages of others only: on a full disk it stays empty, and the lock is a lock all the same.
void FileLock::write_holder() {
  const std::string text = this_process().text() + "\n";
  const auto size = static_cast<off_t>(text.size());
  // In this order the file begins like a lock at any moment.
  static_cast<void>(::pwrite(file_.get(), text.data(), text.size(), 0) == size &&
                    ::ftruncate(file_.get(), size) == 0);
}

}  // namespace kindred
