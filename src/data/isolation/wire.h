#pragma once
#include <cstring>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "data/isolation/shared_memory.h"
#include "kindred/core/error.h"

namespace kindred {

/// Values that cross between processes as bytes: numbers, enumerations, pointers and other plain
/// structs; texts; vectors; and any struct with `auto fields() { return std::tie(a, b); }`.
template <typename T>
concept HasFields = requires(T value) {
  value.fields();
};

/// Writes values one after the other to the start of shared memory.
class WireWriter {
 public:
  explicit WireWriter(SharedMemory& memory) : memory_(memory) {}

  Index size() const { return size_; }

  template <typename T>
  void put(const T& value) {
    if constexpr (HasFields<T>) {
      T& same = const_cast<T&>(value);  // fields() is one function for reading and writing
      std::apply([&](const auto&... field) { (put(field), ...); }, same.fields());
    } else {
      static_assert(std::is_trivially_copyable_v<T>);
      put_bytes(&value, sizeof value);
    }
  }
  void put(const std::string& text) {
    put(static_cast<Index>(text.size()));
    put_bytes(text.data(), text.size());
  }
  template <typename T>
  void put(const std::vector<T>& values) {
    put(static_cast<Index>(values.size()));
    if constexpr (std::is_trivially_copyable_v<T> && !HasFields<T>) {
      put_bytes(values.data(), values.size() * sizeof(T));
    } else {
      for (const T& value : values) put(value);
    }
  }

 private:
  void put_bytes(const void* bytes, std::size_t count) {
    if (count == 0) return;
    const Index begin = size_;
    size_ += static_cast<Index>(count);
    std::memcpy(memory_.first(size_).data() + begin, bytes, count);
  }

  SharedMemory& memory_;
  Index size_ = 0;
};

/// Reads what a WireWriter wrote. The other side is not trusted: fails with data where a value is
/// longer than what there is.
class WireReader {
 public:
  explicit WireReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  bool at_end() const { return rest_.empty(); }

  template <typename T>
  T get() {
    T value{};
    get(value);
    return value;
  }
  template <typename T>
  void get(T& value) {
    if constexpr (HasFields<T>) {
      std::apply([&](auto&... field) { (get(field), ...); }, value.fields());
    } else {
      static_assert(std::is_trivially_copyable_v<T>);
      get_bytes(&value, 1, sizeof value);
    }
  }
  void get(std::string& text) {
    text.resize(count(1));
    get_bytes(text.data(), text.size(), 1);
  }
  template <typename T>
  void get(std::vector<T>& values) {
    if constexpr (std::is_trivially_copyable_v<T> && !HasFields<T>) {
      values.resize(count(sizeof(T)));
      get_bytes(values.data(), values.size(), sizeof(T));
    } else {
      values.resize(count(sizeof(Index)));  // none of these is shorter on the wire
      for (T& value : values) get(value);
    }
  }

 private:
  // A number of values of which each takes at least `bytes`.
  std::size_t count(std::size_t bytes) {
    const auto count = get<Index>();
    if (count < 0 || static_cast<std::size_t>(count) > rest_.size() / bytes) refuse();
    return static_cast<std::size_t>(count);
  }
  void get_bytes(void* dst, std::size_t count, std::size_t each) {
    if (count > rest_.size() / each) refuse();
    if (count == 0) return;
    std::memcpy(dst, rest_.data(), count * each);
    rest_ = rest_.subspan(count * each);
  }
  [[noreturn]] static void refuse() {
    fail(ErrorKind::data, "an answer of the reading process is damaged");
  }

  std::span<const std::byte> rest_;
};

}  // namespace kindred
