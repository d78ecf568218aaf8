#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/hdf5/hdf5_session.h"
#include "kindred/core/index.h"

namespace kindred {

/// What values are in memory: numbers of a native type, or texts of a fixed length.
struct Hdf5Form {
  hid_t native = H5I_INVALID_HID;
  std::size_t width = 0;    ///< of texts, in bytes
  bool terminated = false;  ///< texts end with a zero byte; they are filled up with such otherwise

  Hdf5Id type() const;
  std::size_t bytes() const;  ///< of a value
};

/// What was written into a file, by checksum. HDF5 keeps what it is given for a while, and tells of
/// a write that failed later, or not at all: the file is believed once it was read back.
class Hdf5Proof {
 public:
  /// Rows from `first` on of a data set.
  void wrote_rows(const std::string& name, const Hdf5Form& form, Index first, Index count,
                  std::span<const std::byte> values);
  /// A chunk that begins at row `first`, as it is stored.
  void wrote_chunk(const std::string& name, Index first, std::span<const std::byte> stored);
  /// What lies at a place of the file.
  void wrote_at(const std::string& name, Index offset, std::span<const std::byte> bytes);
  void wrote_attribute(const std::string& object, const std::string& name, const Hdf5Form& form,
                       std::span<const std::byte> value);

  /// Reads all of it from the file, which has been closed; `descriptor` is an open one of it, and
  /// `path` begins messages. Fails with io where something is not as it was written.
  void check(const std::string& file, int descriptor, const std::string& path) const;

 private:
  enum class Kind { rows, chunk, place, attribute };
  struct Piece {
    Kind kind;
    std::string name;
    std::string attribute;
    Hdf5Form form;
    Index first;  // row, or byte
    Index count;  // rows, or bytes
    std::uint64_t sum;
  };
  std::uint64_t sum_of(const Piece& piece, hid_t file, int descriptor,
                       const std::string& path) const;

  std::vector<Piece> pieces_;
};

}  // namespace kindred
