// A shared object for LD_PRELOAD that makes a program's system calls on files fail, one by one.
//
//   KINDRED_FAIL        CALL:NTH:HOW[:on], several separated by commas. CALL is open, write,
//   pwrite, fsync,
//                       close, rename, ftruncate, mmap or unlink; its NTH from 1 fails, with `:on`
//                       each from there on. HOW is the name of an errno (EIO, ENOSPC, EINTR, ...),
//                       or of write and pwrite `short` (half is written) and `lost` (nothing is,
//                       and it says all).
//   KINDRED_FAIL_UNDER  only calls on regular files in this folder count: absolute, without links
//   KINDRED_FAIL_COUNT  a file that gets a line "CALL NUMBER" for each kind, when the program ends
//
// open counts where it may write or make a file; close and mmap where the file is open for writing.
// A close that fails has closed all the same, as Linux does. Children that the program forks are
// left alone, and so is what the C library calls on its own (fopen, printf).
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

enum Call { kOpen, kWrite, kPwrite, kFsync, kClose, kRename, kFtruncate, kMmap, kUnlink, kCalls };
constexpr std::array<const char*, kCalls> kNames{"open",   "write",     "pwrite", "fsync", "close",
                                                 "rename", "ftruncate", "mmap",   "unlink"};

constexpr int kShort = -1;
constexpr int kLost = -2;

struct Plan {
  int call = kCalls;
  long nth = 0;
  int how = EIO;  // an errno, kShort or kLost
  bool on = false;
};

int how_named(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, int>, 12> kHows{{{"EIO", EIO},
                                                                    {"ENOSPC", ENOSPC},
                                                                    {"EINTR", EINTR},
                                                                    {"EDQUOT", EDQUOT},
                                                                    {"EACCES", EACCES},
                                                                    {"EROFS", EROFS},
                                                                    {"ENOMEM", ENOMEM},
                                                                    {"EMFILE", EMFILE},
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

struct State {
  std::vector<Plan> plans;
  std::string under;
  std::array<std::atomic<long>, kCalls> counts{};
  std::atomic<bool> off = false;

  State() {
    const char* plan = std::getenv("KINDRED_FAIL");
    for (const std::string& text : parts_of(plan == nullptr ? "" : plan, ',')) {
      if (text.empty()) continue;
      const std::vector<std::string> fields = parts_of(text, ':');
      Plan made;
      for (int call = 0; call < kCalls; ++call) {
        if (fields[0] == kNames[static_cast<std::size_t>(call)]) made.call = call;
      }
      if (made.call == kCalls || fields.size() < 3) how_named(text);
      made.nth = std::atol(fields[1].c_str());
      made.how = how_named(fields[2]);
      made.on = fields.size() > 3 && fields[3] == "on";
      plans.push_back(made);
    }
    if (const char* folder = std::getenv("KINDRED_FAIL_UNDER")) under = std::string(folder) + "/";
    pthread_atfork(nullptr, nullptr, [] { state().off = true; });
  }
  ~State() {
    const char* path = std::getenv("KINDRED_FAIL_COUNT");
    if (path == nullptr || off) return;
    off = true;
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

  bool is_under(const char* path) const { return std::string_view(path).starts_with(under); }

  /// What the next call of the kind, on a file that counts, does: 0, or as Plan::how.
  int next(Call call) {
    const long number = ++counts[call];
    for (const Plan& plan : plans) {
      if (plan.call == call && (plan.on ? number >= plan.nth : number == plan.nth)) return plan.how;
    }
    return 0;
  }

  bool counts_descriptor(int descriptor) const {
    if (off) return false;
    const int before = errno;
    struct stat status {};
    std::array<char, PATH_MAX> path{};
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    const bool found = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
                       ::readlink(link.c_str(), path.data(), path.size() - 1) > 0 &&
                       is_under(path.data());
    errno = before;
    return found;
  }
  bool counts_path(const char* path) const {
    if (off) return false;
    return path[0] == '/' ? is_under(path) : under.empty();
  }
};

bool is_for_writing(int descriptor) {
  const int before = errno;
  const int flags = ::fcntl(descriptor, F_GETFL);
  errno = before;
  return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

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
  const int how = state.counts_descriptor(descriptor) ? state.next(call) : 0;
  if (how == kLost) return static_cast<ssize_t>(count);
  if (how == kShort && count > 1) return write(count / 2);
  return how > 0 ? fail_with(how) : write(count);
}

template <typename Open>
int open_file(const char* path, int flags, const Open& open) {
  State& state = State::state();
  const bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0;
  const int how = writes && state.counts_path(path) ? state.next(kOpen) : 0;
  return how > 0 ? fail_with(how) : open();
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

ssize_t write(int descriptor, const void* bytes, size_t count) {
  static auto* const call = real<ssize_t(int, const void*, size_t)>("write");
  return write_some(kWrite, descriptor, count,
                    [&](size_t some) { return call(descriptor, bytes, some); });
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
  State& state = State::state();
  static auto* const call = real<int(int)>("fsync");
  const int how = state.counts_descriptor(descriptor) ? state.next(kFsync) : 0;
  return how > 0 ? fail_with(how) : call(descriptor);
}

int close(int descriptor) {
  State& state = State::state();
  static auto* const call = real<int(int)>("close");
  const bool counts = state.counts_descriptor(descriptor) && is_for_writing(descriptor);
  const int how = counts ? state.next(kClose) : 0;
  const int result = call(descriptor);
  return how > 0 ? fail_with(how) : result;
}

int rename(const char* from, const char* to) {
  State& state = State::state();
  static auto* const call = real<int(const char*, const char*)>("rename");
  const int how = state.counts_path(to) ? state.next(kRename) : 0;
  return how > 0 ? fail_with(how) : call(from, to);
}

int unlink(const char* path) {
  State& state = State::state();
  static auto* const call = real<int(const char*)>("unlink");
  const int how = state.counts_path(path) ? state.next(kUnlink) : 0;
  return how > 0 ? fail_with(how) : call(path);
}

int ftruncate(int descriptor, off_t bytes) {
  State& state = State::state();
  static auto* const call = real<int(int, off_t)>("ftruncate");
  const int how = state.counts_descriptor(descriptor) ? state.next(kFtruncate) : 0;
  return how > 0 ? fail_with(how) : call(descriptor, bytes);
}

int ftruncate64(int descriptor, off64_t bytes) {
  State& state = State::state();
  static auto* const call = real<int(int, off64_t)>("ftruncate64");
  const int how = state.counts_descriptor(descriptor) ? state.next(kFtruncate) : 0;
  return how > 0 ? fail_with(how) : call(descriptor, bytes);
}

void* mmap(void* address, size_t length, int protection, int flags, int descriptor, off_t offset) {
  static auto* const call = real<void*(void*, size_t, int, int, int, off_t)>("mmap");
  if (descriptor >= 0) {
    State& state = State::state();
    const bool counts = state.counts_descriptor(descriptor) && is_for_writing(descriptor);
    if (const int how = counts ? state.next(kMmap) : 0; how > 0) {
      errno = how;
      return MAP_FAILED;
    }
  }
  return call(address, length, protection, flags, descriptor, offset);
}

}  // extern "C"
#pragma GCC visibility pop
