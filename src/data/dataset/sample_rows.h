#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "data/foreign/hdf5_layout.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/sample_kinds.h"

namespace kindred {

/// The samples of one data set, or of several one after the other, as rows of bytes or floats;
/// images turned into ours: channels last, 0 to 255. Reading has one caller at a time.
class SampleRows {
 public:
  /// Ours: bytes [N, H, W, C] or numbers [N, F], as they are.
  SampleRows(Hdf5Dataset data, std::string where, Element element);
  /// Those of others. Numbers that are not bytes are taken as bytes where they are whole and from 0
  /// to 255, as 0 to 1 where none is beyond, else spread from their least to their largest, for
  /// which all are read once. Fails with data where images hold values that are not finite.
  explicit SampleRows(const Hdf5Layout& layout);

  Index size() const { return size_; }
  Index sample_bytes() const { return sample_bytes_; }
  Element element() const { return element_; }
  const std::string& where() const { return parts_[0].where; }
  Index block_rows() const { return block_rows_; }  ///< stored together; 0: no matter

  /// The one data set whose rows these are, byte for byte; nullptr where they are made of it.
  const Hdf5Dataset* plain() const;
  /// What HDF5 takes in memory while it reads.
  Index reading_bytes() const;

  /// Rows [first, first + count) to dst. Fails with data.
  void read(Index first, Index count, std::byte* dst) const;

 private:
  struct Part {
    Hdf5Dataset data;
    std::string where;
    Index first;  ///< row in the data set
    Index count;
  };

  void read_part(const Part& part, Index first, Index count, std::byte* dst) const;
  void find_scale();

  std::vector<Part> parts_;
  Element element_;
  Index size_ = 0;
  Index sample_values_ = 1;
  Index sample_bytes_ = 0;
  Index block_rows_ = 0;
  bool bytes_ = true;         ///< stored as bytes
  std::vector<Index> place_;  ///< of each stored value in a sample of ours; empty: the same
  float low_ = 0;             ///< becomes 0
  float scale_ = 1;           ///< to bytes
  mutable std::vector<std::uint8_t> stored_bytes_;
  mutable std::vector<float> stored_floats_;
};

}  // namespace kindred
