#pragma once
#include <algorithm>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

inline constexpr Index kAlignment = 64;  ///< bytes: one cache line, one AVX-512 register

/// `count` elements of `each` bytes, aligned and zero, to whole kAlignment; freed by operator
/// delete with that alignment. Fails with system where that is more than the process may have: a
/// kernel that promises more than there is would kill it later.
void* allocate_zeros(Index count, Index each);

/// A fixed-size array of plain numbers whose first element is 64-byte aligned; zero at first.
/// Its size is a multiple of 64 bytes, so that a full vector may be read at the end.
template <typename T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(Index size)
      : data_(static_cast<T*>(allocate_zeros(size, static_cast<Index>(sizeof(T))))), size_(size) {}

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  Index size() const { return size_; }
  T& operator[](Index i) { return data_.get()[i]; }
  const T& operator[](Index i) const { return data_.get()[i]; }
  std::span<T> span() { return {data(), static_cast<std::size_t>(size_)}; }
  std::span<const T> span() const { return {data(), static_cast<std::size_t>(size_)}; }
  void fill(T value) { std::fill_n(data(), size_, value); }

 private:
  struct Free {
    void operator()(T* p) const { ::operator delete (p, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<T, Free> data_;
  Index size_ = 0;
};

}  // namespace kindred
