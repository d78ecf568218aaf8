// A shared object for LD_PRELOAD that makes a program's system calls on files fail, one by one.
//
//   KINDRED_FAIL        CALL:NTH:HOW[:on|:xN], several separated by commas. CALL is one of kNames;
//                       its NTH from 1 fails, with `:on` each from there on, with `:xN` N in a row.
//                       HOW is the name of an errno (EIO, ENOSPC, EINTR, ...), or of writing
//                       `short` (half is written) and `lost` (nothing is, and it says all).
//   KINDRED_FAIL_UNDER  only calls on files in this folder count: absolute, without links
//   KINDRED_FAIL_READS  1: calls that read count as well, and each mmap of shared memory
//   KINDRED_FAIL_COUNT  a file that gets a line "CALL NUMBER" for each kind, when the program ends
//
// Without KINDRED_FAIL_READS open counts where it may write or make a file; close and mmap where
// the file is open for writing. A close that fails has closed all the same, as Linux does. Children
// that the program forks count along, one number for all. What the C library calls on its own
// (fopen, printf) is left alone.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

enum Call {
  kOpen,
  kRead,
  kWrite,
  kPwrite,
  kWritev,
  kFsync,
  kFsyncFolder,
  kClose,
  kRename,
  kFtruncate,
  kFallocate,
  kMmap,
  kLink,
  kUnlink,
  kMkdir,
  kCalls
};
constexpr std::array<const char*, kCalls> kNames{
    "open",   "read",      "write",     "pwrite", "writev", "fsync",  "fsync_folder", "close",
    "rename", "ftruncate", "fallocate", "mmap",   "link",   "unlink", "mkdir"};

constexpr int kShort = -1;
constexpr int kLost = -2;

struct Plan {
  int call = kCalls;
  long nth = 0;
  int how = EIO;  // an errno, kShort or kLost
  long times = 1;
};

int how_named(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, int>, 13> kHows{{{"EIO", EIO},
                                                                    {"ENOSPC", ENOSPC},
                                                                    {"EINTR", EINTR},
                                                                    {"EDQUOT", EDQUOT},
                                                                    {"EACCES", EACCES},
                                                                    {"EROFS", EROFS},
                                                                    {"ENOMEM", ENOMEM},
                                                                    {"EMFILE", EMFILE},
                                                                    {"ENFILE", ENFILE},
                                                                    {"EEXIST", EEXIST},
                                                                    {"EXDEV", EXDEV},
                                                                    {"short", kShort},
                                                                    {"lost", kLost}}};
  for (const auto& [known, how] : kHows) {
    if (name == known) return how;
  }
  std::fprintf(stderr, "failing_calls: cannot fail by '%.*s'\n", static_cast<int>(name.size()),
               name.data());
  std::abort();  // a test that tests nothing
}

std::vector<std::string> parts_of(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

Plan plan_of(const std::string& text) {
  const std::vector<std::string> fields = parts_of(text, ':');
  Plan plan;
  for (int call = 0; call < kCalls; ++call) {
    if (fields[0] == kNames[static_cast<std::size_t>(call)]) plan.call = call;
  }
  if (plan.call == kCalls || fields.size() < 3) how_named(text);
  plan.nth = std::atol(fields[1].c_str());
  plan.how = how_named(fields[2]);
  if (fields.size() > 3) {
    plan.times = fields[3] == "on" ? LONG_MAX / 2 : std::atol(fields[3].c_str() + 1);
  }
  return plan;
}

// What is known of a descriptor, by how it was opened.
constexpr unsigned char kCounts = 1;
constexpr unsigned char kWrites = 2;
constexpr unsigned char kFolder = 4;

struct State {
  std::vector<Plan> plans;
  std::string under;
  bool reads = false;
  pid_t first = ::getpid();
  std::array<std::atomic<unsigned char>, 4096> opened{};
  std::atomic<long>* counts = nullptr;  // shared with children

  State() {
    const char* plan = std::getenv("KINDRED_FAIL");
    for (const std::string& text : parts_of(plan == nullptr ? "" : plan, ',')) {
      if (!text.empty()) plans.push_back(plan_of(text));
    }
    if (const char* folder = std::getenv("KINDRED_FAIL_UNDER")) under = std::string(folder) + "/";
    reads = std::getenv("KINDRED_FAIL_READS") != nullptr;
    const long page = ::syscall(SYS_mmap, nullptr, kCalls * sizeof(*counts), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    counts = reinterpret_cast<std::atomic<long>*>(page);
  }
  ~State() {
    const char* path = std::getenv("KINDRED_FAIL_COUNT");
    if (path == nullptr || first != ::getpid()) return;
    if (std::FILE* file = std::fopen(path, "w")) {
      for (std::size_t call = 0; call < kCalls; ++call) {
        std::fprintf(file, "%s %ld\n", kNames[call], counts[call].load());
      }
      std::fclose(file);
    }
  }
  static State& state() {
    static State own;
    return own;
  }

  /// What the next call of the kind, on a file that counts, does: 0, or as Plan::how.
  int next(Call call) {
    const long number = ++counts[call];
    for (const Plan& plan : plans) {
      if (plan.call == call && number >= plan.nth && number < plan.nth + plan.times)
        return plan.how;
    }
    return 0;
  }

  bool counts_path(const char* path) const {
    return path[0] == '/' ? (std::string(path) + "/").starts_with(under) : under.empty();
  }
  std::atomic<unsigned char>* entry(int descriptor) {
    const auto at = static_cast<std::size_t>(descriptor);
    return descriptor >= 0 && at < opened.size() ? &opened[at] : nullptr;
  }
  unsigned char known(int descriptor) {
    const auto* there = entry(descriptor);
    return there == nullptr ? 0 : there->load();
  }
  bool counts_file(int descriptor) {
    const unsigned char what = known(descriptor);
    return (what & kCounts) != 0 && (reads || (what & kWrites) != 0);
  }
};

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

int fail_with(int error) {
  errno = error;
  return -1;
}

/// A write of any kind: `write(count)` writes so much.
template <typename Write>
ssize_t write_some(Call call, int descriptor, std::size_t count, const Write& write) {
  State& state = State::state();
  const int how = state.counts_file(descriptor) ? state.next(call) : 0;
  if (how == kLost) return static_cast<ssize_t>(count);
  if (how == kShort && count > 1) return write(count / 2);
  return how > 0 ? fail_with(how) : write(count);
}

template <typename Read>
ssize_t read_some(int descriptor, const Read& read) {
  State& state = State::state();
  const bool counts = state.reads && (state.known(descriptor) & kCounts) != 0;
  const int how = counts ? state.next(kRead) : 0;
  return how > 0 ? fail_with(how) : read();
}

template <typename Open>
int open_file(const char* path, int flags, const Open& open) {
  State& state = State::state();
  const bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0;
  const bool counts = state.counts_path(path);
  const int how = counts && (writes || state.reads) ? state.next(kOpen) : 0;
  if (how > 0) return fail_with(how);
  const int descriptor = open();
  if (auto* there = state.entry(descriptor)) {
    const bool folder = (flags & O_DIRECTORY) != 0 && (flags & O_TMPFILE) != O_TMPFILE;
    *there = static_cast<unsigned char>((counts ? kCounts : 0) | (writes ? kWrites : 0) |
                                        (folder ? kFolder : 0));
  }
  return descriptor;
}

template <typename Act>
int on_path(Call call, const char* path, const Act& act) {
  State& state = State::state();
  const int how = state.counts_path(path) ? state.next(call) : 0;
  return how > 0 ? fail_with(how) : act();
}

template <typename Act>
int on_file(Call call, int descriptor, const Act& act) {
  State& state = State::state();
  const int how = state.counts_file(descriptor) ? state.next(call) : 0;
  return how > 0 ? fail_with(how) : act();
}

template <typename Sync>
int sync_file(int descriptor, const Sync& sync) {
  State& state = State::state();
  const unsigned char what = state.known(descriptor);
  if ((what & kCounts) == 0) return sync();
  const int how = state.next((what & kFolder) != 0 ? kFsyncFolder : kFsync);
  return how > 0 ? fail_with(how) : sync();
}

mode_t mode_of(int flags, va_list arguments) {
  const bool given = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return given ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

#pragma GCC visibility push(default)  // these take the place of the C library's
extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  static auto* const call = real<int(const char*, int, ...)>("open");
  return open_file(path, flags, [&] { return call(path, flags, mode); });
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  static auto* const call = real<int(const char*, int, ...)>("open64");
  return open_file(path, flags, [&] { return call(path, flags, mode); });
}

ssize_t read(int descriptor, void* bytes, size_t count) {
  static auto* const call = real<ssize_t(int, void*, size_t)>("read");
  return read_some(descriptor, [&] { return call(descriptor, bytes, count); });
}

ssize_t pread(int descriptor, void* bytes, size_t count, off_t offset) {
  static auto* const call = real<ssize_t(int, void*, size_t, off_t)>("pread");
  return read_some(descriptor, [&] { return call(descriptor, bytes, count, offset); });
}

ssize_t pread64(int descriptor, void* bytes, size_t count, off64_t offset) {
  static auto* const call = real<ssize_t(int, void*, size_t, off64_t)>("pread64");
  return read_some(descriptor, [&] { return call(descriptor, bytes, count, offset); });
}

ssize_t write(int descriptor, const void* bytes, size_t count) {
  static auto* const call = real<ssize_t(int, const void*, size_t)>("write");
  return write_some(kWrite, descriptor, count,
                    [&](size_t some) { return call(descriptor, bytes, some); });
}

ssize_t writev(int descriptor, const iovec* parts, int count) {
  static auto* const call = real<ssize_t(int, const iovec*, int)>("writev");
  return write_some(kWritev, descriptor, static_cast<size_t>(count),
                    [&](size_t some) { return call(descriptor, parts, static_cast<int>(some)); });
}

ssize_t pwrite(int descriptor, const void* bytes, size_t count, off_t offset) {
  static auto* const call = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return write_some(kPwrite, descriptor, count,
                    [&](size_t some) { return call(descriptor, bytes, some, offset); });
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t count, off64_t offset) {
  static auto* const call = real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return write_some(kPwrite, descriptor, count,
                    [&](size_t some) { return call(descriptor, bytes, some, offset); });
}

int fsync(int descriptor) {
  static auto* const call = real<int(int)>("fsync");
  return sync_file(descriptor, [&] { return call(descriptor); });
}

int fdatasync(int descriptor) {
  static auto* const call = real<int(int)>("fdatasync");
  return sync_file(descriptor, [&] { return call(descriptor); });
}

int close(int descriptor) {
  State& state = State::state();
  static auto* const call = real<int(int)>("close");
  const int how = state.counts_file(descriptor) ? state.next(kClose) : 0;
  if (auto* there = state.entry(descriptor)) *there = 0;
  const int result = call(descriptor);
  return how > 0 ? fail_with(how) : result;
}

int rename(const char* from, const char* to) {
  static auto* const call = real<int(const char*, const char*)>("rename");
  return on_path(kRename, to, [&] { return call(from, to); });
}

int link(const char* from, const char* to) {
  static auto* const call = real<int(const char*, const char*)>("link");
  return on_path(kLink, to, [&] { return call(from, to); });
}

int unlink(const char* path) {
  static auto* const call = real<int(const char*)>("unlink");
  return on_path(kUnlink, path, [&] { return call(path); });
}

int remove(const char* path) {
  static auto* const call = real<int(const char*)>("remove");
  return on_path(kUnlink, path, [&] { return call(path); });
}

int mkdir(const char* path, mode_t mode) {
  static auto* const call = real<int(const char*, mode_t)>("mkdir");
  return on_path(kMkdir, path, [&] { return call(path, mode); });
}

int ftruncate(int descriptor, off_t bytes) {
  static auto* const call = real<int(int, off_t)>("ftruncate");
  return on_file(kFtruncate, descriptor, [&] { return call(descriptor, bytes); });
}

int ftruncate64(int descriptor, off64_t bytes) {
  static auto* const call = real<int(int, off64_t)>("ftruncate64");
  return on_file(kFtruncate, descriptor, [&] { return call(descriptor, bytes); });
}

int fallocate(int descriptor, int mode, off_t offset, off_t bytes) {
  static auto* const call = real<int(int, int, off_t, off_t)>("fallocate");
  return on_file(kFallocate, descriptor, [&] { return call(descriptor, mode, offset, bytes); });
}

void* mmap(void* address, size_t length, int protection, int flags, int descriptor, off_t offset) {
  static auto* const call = real<void*(void*, size_t, int, int, int, off_t)>("mmap");
  State& state = State::state();
  // Others are of libraries: oneDNN crashes where it gets none for its code.
  const bool shared = state.reads && (flags & MAP_SHARED) != 0;
  const bool counts = descriptor >= 0 ? state.counts_file(descriptor) : shared;
  if (const int how = counts ? state.next(kMmap) : 0; how > 0) {
    errno = how;
    return MAP_FAILED;
  }
  return call(address, length, protection, flags, descriptor, offset);
}

}  // extern "C"
#pragma GCC visibility pop
