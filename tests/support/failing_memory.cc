// A shared object for LD_PRELOAD that makes one of a program's allocations fail: operator new calls
// the handler that the program set, and throws std::bad_alloc where there is none, or where what
// was asked for is more than a handler lets go.
//
//   KINDRED_FAIL_MEMORY        which one, from 1; 0: none
//   KINDRED_FAIL_MEMORY_HARD   1: it throws, whatever a handler does
//   KINDRED_FAIL_MEMORY_AFTER  counting begins when a file is opened to be written that has this in
//                              its path
//   KINDRED_FAIL_MEMORY_COUNT  a file that gets the number of allocations, when the program ends
//
// Children that the program forks count along: one allocation fails, in one of them. What libraries
// in C allocate is left alone: HDF5, libseccomp and oneDNN crash or hang where they get none.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

constexpr std::size_t kLetGo = std::size_t{1} << 19;  // what a handler may be trusted to find

// Nothing here allocates.
std::atomic<bool> counting{false};
std::atomic<long>* count = nullptr;  // shared with children
long failing = 0;
bool hard = false;
const char* after = nullptr;
pid_t first = 0;

[[gnu::constructor]] void begin() {
  const char* which = std::getenv("KINDRED_FAIL_MEMORY");
  failing = which == nullptr ? 0 : std::atol(which);
  hard = std::getenv("KINDRED_FAIL_MEMORY_HARD") != nullptr;
  after = std::getenv("KINDRED_FAIL_MEMORY_AFTER");
  first = ::getpid();
  void* const page =
      ::mmap(nullptr, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page != MAP_FAILED) count = new (page) std::atomic<long>(0);
}

[[gnu::destructor]] void end() {
  counting = false;
  const char* path = std::getenv("KINDRED_FAIL_MEMORY_COUNT");
  if (path == nullptr || count == nullptr || first != ::getpid()) return;
  if (std::FILE* file = std::fopen(path, "w")) {
    std::fprintf(file, "%ld\n", count->load());
    std::fclose(file);
  }
}

/// True where the allocation fails for good.
bool fails(std::size_t bytes) {
  if (!counting || ++*count != failing) return false;
  const std::new_handler handler = std::get_new_handler();
  if (handler != nullptr) handler();
  return hard || handler == nullptr || bytes > kLetGo;
}

void* allocate(std::size_t bytes, std::size_t alignment) {
  if (fails(bytes)) return nullptr;
  const std::size_t some = bytes == 0 ? 1 : bytes;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(some);
  return std::aligned_alloc(alignment, (some + alignment - 1) / alignment * alignment);
}

void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  void* const memory = allocate(bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

template <typename Open>
int open_file(const char* path, int flags, const Open& open) {
  const bool begins =
      after != nullptr && (flags & O_ACCMODE) != O_RDONLY && std::strstr(path, after) != nullptr;
  const int descriptor = open();
  if (begins && count != nullptr) counting = true;
  return descriptor;
}

mode_t mode_of(int flags, va_list arguments) {
  const bool given = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return given ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

#pragma GCC visibility push(default)  // these take the place of the C++ library's

void* operator new(std::size_t bytes) { return allocate_or_throw(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  static auto* const call =
      reinterpret_cast<int (*)(const char*, int, ...)>(::dlsym(RTLD_NEXT, "open"));
  return open_file(path, flags, [&] { return call(path, flags, mode); });
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  static auto* const call =
      reinterpret_cast<int (*)(const char*, int, ...)>(::dlsym(RTLD_NEXT, "open64"));
  return open_file(path, flags, [&] { return call(path, flags, mode); });
}

}  // extern "C"
#pragma GCC visibility pop
