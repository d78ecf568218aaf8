#include "data/shared_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kPiece = Index{1} << 20;  // by which it grows at least

[[noreturn]] void refuse(Index bytes) {
  if (errno == ENOMEM) throw std::bad_alloc();
  fail(ErrorKind::io, fmt::format("{} bytes of shared memory: {}", bytes, std::strerror(errno)));
}

}  // namespace

SharedMemory::SharedMemory()
    : descriptor_(::memfd_create("kindred", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
  if (descriptor_ < 0 || ::fcntl(descriptor_, F_ADD_SEALS, F_SEAL_SHRINK) != 0) refuse(0);
}

SharedMemory::~SharedMemory() {
  if (mapped_ != nullptr) ::munmap(mapped_, static_cast<std::size_t>(size_));
  ::close(descriptor_);
}

std::span<std::byte> SharedMemory::first(Index bytes) {
  if (bytes > size_) {
    const Index size = round_up(std::max(bytes, 2 * size_), kPiece);
    struct stat file {};
    if (::fstat(descriptor_, &file) != 0) refuse(size);
    if (file.st_size < size && ::ftruncate(descriptor_, size) != 0) refuse(size);
    if (mapped_ != nullptr) ::munmap(mapped_, static_cast<std::size_t>(size_));
    size_ = 0;
    void* const mapped = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE,
                                MAP_SHARED, descriptor_, 0);
    mapped_ = mapped == MAP_FAILED ? nullptr : static_cast<std::byte*>(mapped);
    if (mapped_ == nullptr) refuse(size);
    size_ = size;
  }
  return {mapped_, static_cast<std::size_t>(bytes)};
}

}  // namespace kindred
