#include "data/isolation/shared_memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "kindred/core/error.h"
#include "kindred/core/memory.h"

namespace kindred {
namespace {

constexpr Index kPage = 4096;
constexpr Index kBeside = Index{512} << 20;  // for what the process does beside reading

}  // namespace

SharedMemory::SharedMemory(Index most, const std::string& what) : size_(round_up(most, kPage)) {
  void* const mapped = ::mmap(nullptr, static_cast<std::size_t>(size_), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    const int reason = errno;
    const Index needed = round_up(mapped_memory() + size_ + kBeside, Index{1} << 20);
    fail(ErrorKind::system,
         fmt::format("{}: reading it takes {} of address space, of which little is filled: {}; "
                     "raise this process's limit to {} at least (ulimit -v {}), or lift it",
                     what, text_of_bytes(size_), std::strerror(reason), text_of_bytes(needed),
                     needed >> 10));
  }
  mapped_ = static_cast<std::byte*>(mapped);
}

SharedMemory::~SharedMemory() { ::munmap(mapped_, static_cast<std::size_t>(size_)); }

std::span<std::byte> SharedMemory::first(Index bytes) {
  if (bytes > size_) throw std::bad_alloc();
  return {mapped_, static_cast<std::size_t>(bytes)};
}

}  // namespace kindred
