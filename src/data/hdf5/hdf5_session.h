#pragma once
#include <hdf5.h>

#include <mutex>
#include <string>
#include <utility>

#include "kindred/core/error.h"
#include "kindred/core/index.h"

namespace kindred {

/// For the length of a scope: the only user of HDF5 in this library (builds of HDF5 differ in
/// thread safety, and several calls together are atomic in none), with HDF5's own printing of
/// errors off for this thread. Scopes nest.
class Hdf5Session {
 public:
  Hdf5Session();
  ~Hdf5Session();
  Hdf5Session(const Hdf5Session&) = delete;
  Hdf5Session& operator=(const Hdf5Session&) = delete;

 private:
  std::unique_lock<std::recursive_mutex> lock_;
  H5E_auto2_t print_ = nullptr;
  void* print_data_ = nullptr;
};

/// An HDF5 identifier that is given back at the end. Lives inside an Hdf5Session, or is destroyed
/// in one.
class Hdf5Id {
 public:
  Hdf5Id() = default;
  explicit Hdf5Id(hid_t id) : id_(id) {}
  Hdf5Id(Hdf5Id&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Hdf5Id& operator=(Hdf5Id&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Hdf5Id() { reset(); }
  hid_t get() const { return id_; }
  bool valid() const { return id_ >= 0; }
  /// Negative where giving it back failed (a file that could not be flushed).
  int reset() {
    const hid_t id = std::exchange(id_, H5I_INVALID_HID);
    if (id < 0) return 0;
    const Hdf5Session session;
    return H5Idec_ref(id);
  }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

/// The innermost reason on HDF5's error stack of this thread, as one line.
std::string hdf5_reason();

/// H5Fopen() to read, and H5Fcreate() over whatever is there. Where a signal interrupts them, as
/// may happen on network file systems, HDF5 fails: they are begun again. Invalid where anything
/// else fails; hdf5_reason() says what.
Hdf5Id hdf5_open(const std::string& path, hid_t access);
Hdf5Id hdf5_create(const std::string& path, hid_t plan, hid_t access);

/// The native type numbers of T have in memory.
template <typename T>
hid_t hdf5_native();
template <>
inline hid_t hdf5_native<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
inline hid_t hdf5_native<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
inline hid_t hdf5_native<std::int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
inline hid_t hdf5_native<std::uint64_t>() {
  return H5T_NATIVE_UINT64;
}
template <>
inline hid_t hdf5_native<std::int32_t>() {
  return H5T_NATIVE_INT32;
}
template <>
inline hid_t hdf5_native<std::uint8_t>() {
  return H5T_NATIVE_UINT8;
}

/// Selects rows [first, first + count) of `space`, all of a single value, and returns the matching
/// memory space.
Hdf5Id hdf5_select_rows(hid_t space, Index first, Index count);

}  // namespace kindred
