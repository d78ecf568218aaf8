// A shared object for LD_PRELOAD that writes down what a program does to the files of a folder, for
// a test that plays it back with losses: tests/scripts/power_loss_test.py.
//
//   KINDRED_RECORD        the file that gets a line for each call, and behind a write its bytes
//   KINDRED_RECORD_UNDER  the folder: absolute, without links
//
//   create FILE PATH    write FILE OFFSET BYTES    truncate FILE BYTES    sync FILE
//   known FILE PATH     rename FROM TO             unlink PATH            sync_folder PATH
//   mkdir PATH          mapped FILE
//
// FILE is a number that no other file has, `known` one that was there before, PATH begins below the
// folder. Calls that failed are left out, and children that the program forks: they write nothing.
// What is written into memory that is mapped is not seen: `mapped` says that there is such.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace {

struct Opened {
  long file = 0;  // 0: none that is recorded
  bool appends = false;
  std::string folder;  // where it is one
};

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

struct Recorder {
  std::mutex mutex;
  std::string under;
  int log = -1;
  pid_t first = ::getpid();
  std::map<int, Opened> opened;
  std::map<ino_t, long> numbers;  // of files that have a name
  long last = 0;

  Recorder() {
    const char* path = std::getenv("KINDRED_RECORD");
    const char* folder = std::getenv("KINDRED_RECORD_UNDER");
    if (path == nullptr || folder == nullptr) return;
    under = std::string(folder) + "/";
    static auto* const call = real<int(const char*, int, ...)>("open");
    log = call(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  }
  static Recorder& recorder() {
    static auto* const own = new Recorder;  // calls come until the very end
    return *own;
  }

  bool is_on() const { return log >= 0 && first == ::getpid(); }
  /// The path below the folder; "" of others, "." of the folder itself.
  std::string below(std::string_view path) const {
    if (!is_on()) return "";
    if (std::string(path) + "/" == under) return ".";
    return path.starts_with(under) ? std::string(path.substr(under.size())) : "";
  }
  void put(const std::string& line, const void* bytes = nullptr, std::size_t count = 0) const {
    static auto* const write = real<ssize_t(int, const void*, size_t)>("write");
    const std::string whole = line + "\n";
    if (write(log, whole.data(), whole.size()) < 0) std::abort();
    if (count > 0 && write(log, bytes, count) != static_cast<ssize_t>(count)) std::abort();
  }
  Opened* find(int descriptor) {
    if (!is_on()) return nullptr;
    const auto found = opened.find(descriptor);
    return found == opened.end() ? nullptr : &found->second;
  }
};

/// Keeps other threads from calling and recording, so that the order is the true one; errno stays.
class Turn {
 public:
  Turn() : lock_(Recorder::recorder().mutex) {}
  Recorder& operator*() const { return Recorder::recorder(); }
  Recorder* operator->() const { return &Recorder::recorder(); }

 private:
  std::lock_guard<std::mutex> lock_;
};

template <typename Open>
int open_file(const char* path, int flags, const Open& open) {
  if (!Recorder::recorder().is_on()) return open();
  const Turn turn;
  const std::string name = turn->below(path);
  struct stat status {};
  const bool there = ::lstat(path, &status) == 0;
  const int descriptor = open();
  turn->opened.erase(descriptor);
  const int before = errno;
  if (descriptor < 0 || name.empty() || ::fstat(descriptor, &status) != 0) return descriptor;
  if (S_ISDIR(status.st_mode)) {
    turn->opened[descriptor].folder = name;
  } else if ((flags & O_TMPFILE) != O_TMPFILE) {
    Opened& made = turn->opened[descriptor];
    made.appends = (flags & O_APPEND) != 0;
    if (!there) {
      made.file = turn->numbers[status.st_ino] = ++turn->last;
      turn->put("create " + std::to_string(made.file) + " " + name);
    } else {
      // Of what was there before the program, the number is found by the path.
      long& number = turn->numbers[status.st_ino];
      if (number == 0) turn->put("known " + std::to_string(number = ++turn->last) + " " + name);
      made.file = number;
      if ((flags & O_TRUNC) != 0) turn->put("truncate " + std::to_string(made.file) + " 0");
    }
  }
  errno = before;
  return descriptor;
}

/// `offset` below 0: where the file stands.
template <typename Write>
ssize_t write_some(int descriptor, const void* bytes, off_t offset, const Write& write) {
  if (!Recorder::recorder().is_on()) return write();
  const Turn turn;
  Opened* const file = turn->find(descriptor);
  if (file == nullptr || file->file == 0) return write();
  struct stat status {};
  if (offset < 0 && file->appends) offset = ::fstat(descriptor, &status) == 0 ? status.st_size : 0;
  if (offset < 0) offset = ::lseek(descriptor, 0, SEEK_CUR);
  const ssize_t done = write();
  const int before = errno;
  if (done > 0) {
    turn->put("write " + std::to_string(file->file) + " " + std::to_string(offset) + " " +
                  std::to_string(done),
              bytes, static_cast<std::size_t>(done));
  }
  errno = before;
  return done;
}

template <typename Sync>
int sync_file(int descriptor, const Sync& sync) {
  if (!Recorder::recorder().is_on()) return sync();
  const Turn turn;
  const int result = sync();
  const Opened* const file = turn->find(descriptor);
  if (result != 0 || file == nullptr) return result;
  turn->put(file->folder.empty() ? "sync " + std::to_string(file->file)
                                 : "sync_folder " + file->folder);
  return result;
}

/// A call on one path, or on two of which both lie in the folder.
template <typename Act>
int on_path(const char* what, const char* path, const char* other, const Act& act) {
  if (!Recorder::recorder().is_on()) return act();
  const Turn turn;
  const int result = act();
  const int before = errno;
  const std::string name = turn->below(path);
  if (result == 0 && !name.empty()) {
    turn->put(std::string(what) + " " + name + (other == nullptr ? "" : " " + turn->below(other)));
  }
  errno = before;
  return result;
}

template <typename Act>
int truncate_file(int descriptor, off_t bytes, const Act& act) {
  if (!Recorder::recorder().is_on()) return act();
  const Turn turn;
  const int result = act();
  const Opened* const file = turn->find(descriptor);
  if (result == 0 && file != nullptr) {
    turn->put("truncate " + std::to_string(file->file) + " " + std::to_string(bytes));
  }
  return result;
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
  return write_some(descriptor, bytes, -1, [&] { return call(descriptor, bytes, count); });
}

ssize_t pwrite(int descriptor, const void* bytes, size_t count, off_t offset) {
  static auto* const call = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return write_some(descriptor, bytes, offset,
                    [&] { return call(descriptor, bytes, count, offset); });
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t count, off64_t offset) {
  static auto* const call = real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return write_some(descriptor, bytes, offset,
                    [&] { return call(descriptor, bytes, count, offset); });
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
  static auto* const call = real<int(int)>("close");
  if (Recorder::recorder().is_on()) {
    const Turn turn;
    turn->opened.erase(descriptor);
  }
  return call(descriptor);
}

int rename(const char* from, const char* to) {
  static auto* const call = real<int(const char*, const char*)>("rename");
  return on_path("rename", from, to, [&] { return call(from, to); });
}

int unlink(const char* path) {
  static auto* const call = real<int(const char*)>("unlink");
  return on_path("unlink", path, nullptr, [&] { return call(path); });
}

int remove(const char* path) {
  static auto* const call = real<int(const char*)>("remove");
  return on_path("unlink", path, nullptr, [&] { return call(path); });
}

int rmdir(const char* path) {
  static auto* const call = real<int(const char*)>("rmdir");
  return on_path("unlink", path, nullptr, [&] { return call(path); });
}

int mkdir(const char* path, mode_t mode) {
  static auto* const call = real<int(const char*, mode_t)>("mkdir");
  return on_path("mkdir", path, nullptr, [&] { return call(path, mode); });
}

int ftruncate(int descriptor, off_t bytes) {
  static auto* const call = real<int(int, off_t)>("ftruncate");
  return truncate_file(descriptor, bytes, [&] { return call(descriptor, bytes); });
}

int ftruncate64(int descriptor, off64_t bytes) {
  static auto* const call = real<int(int, off64_t)>("ftruncate64");
  return truncate_file(descriptor, bytes, [&] { return call(descriptor, bytes); });
}

void* mmap(void* address, size_t length, int protection, int flags, int descriptor, off_t offset) {
  static auto* const call = real<void*(void*, size_t, int, int, int, off_t)>("mmap");
  if (descriptor >= 0 && (flags & MAP_SHARED) != 0 && (protection & PROT_WRITE) != 0) {
    const Turn turn;
    const Opened* const file = turn->find(descriptor);
    if (file != nullptr) turn->put("mapped " + std::to_string(file->file));
  }
  return call(address, length, protection, flags, descriptor, offset);
}

}  // extern "C"
#pragma GCC visibility pop
