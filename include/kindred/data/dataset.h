#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/core/shape.h"
#include "kindred/data/preparation.h"
#include "kindred/data/sample_kinds.h"
#include "kindred/data/sample_source.h"

namespace KINDRED_API kindred {

/// Samples with what is known of them: of an HDF5 file (datasets/README.md), checked from end to
/// end when opened (shapes, types, counts, label range, finite values), or of any SampleSource.
///
/// A file's samples that take up to three quarters of `memory` are loaded; more are streamed: read
/// from the file when they are asked for, with chunks unpacked before kept as long as the process
/// takes less than seven eighths of `memory`. Labels and indices count, too.
class Dataset {
 public:
  /// `path` may name a group: "FILE.h5:/group". Files that others wrote are read as they are:
  /// images become bytes, channels last. So are .npy, .npz, .csv and .tsv, which are held in
  /// memory. `memory` is in bytes, 0: half of what the process may
  /// have. Fails with no_input, data, or recipe where memory is too little. Labels may be absent:
  /// see require_labels().
  static Dataset open(const std::string& path, Index memory = 0, const DatasetNames& names = {});
  /// The same, streamed however small it is.
  static Dataset stream(const std::string& path, Index memory = 0, const DatasetNames& names = {});
  /// Of samples from anywhere, and what is known of them; targets are [N, T] or empty. Fails with
  /// data where columns or targets do not fit.
  static Dataset from_source(std::unique_ptr<SampleSource> source, SampleColumns columns = {},
                             Matrix targets = {});
  Dataset(Dataset&&) noexcept;
  Dataset& operator=(Dataset&&) noexcept;
  ~Dataset();

  Index size() const;
  const Shape& shape() const;
  Element element() const;
  Index sample_bytes() const;
  bool in_memory() const;
  /// The memory given to open() with which all samples are held; 0 where that is not ours to say.
  Index bytes_to_hold() const;
  /// What would make training on it faster, for people; "" where nothing would.
  const std::string& advice() const;
  /// What was changed or guessed in reading, for people: names that are not UTF-8, what labels were
  /// taken for. May be empty.
  const std::vector<std::string>& notes() const;
  const std::string& path() const;
  /// Which data sets were taken for what, in a file of somebody else; "" in one of ours.
  const std::string& layout() const;

  bool has_labels() const;
  std::span<const std::int64_t> labels() const;         ///< [N], or empty
  Index classes() const;                                ///< largest label + 1, or class names
  const std::vector<std::string>& class_names() const;  ///< may be empty
  std::span<const std::uint8_t> split() const;          ///< [N], or empty: all train
  const std::vector<std::string>& paths() const;        ///< [N], or empty
  std::span<const std::int64_t> groups() const;         ///< [N], or empty
  std::span<const std::int32_t> episode() const;        ///< [N], or empty
  std::span<const std::uint8_t> role() const;           ///< [N], or empty
  ConstMatrixView targets() const;                      ///< [N, T], or empty
  /// How its images were made of pictures, where the file says so.
  const std::optional<Preparation>& preparation() const;
  /// Labels to role, as above.
  const SampleColumns& columns() const;

  /// xxh3 of all samples, in file order, where opening them read them all: those in memory, and
  /// vectors. Nothing for images that are streamed, nor for other sources.
  std::optional<std::uint64_t> checksum() const;

  /// Samples of a split, in file order.
  std::vector<Index> samples_of(Split split) const;

  /// Copies raw samples (channels-last) to dst, sample_bytes() each. Thread-safe. Where they are
  /// streamed it fails with data or io; with data, too, where the file was changed since it was
  /// opened (its size, its time of writing, or another file in its place).
  void read(std::span<const Index> samples, std::byte* dst,
            Reading reading = Reading::in_order) const;

 private:
  struct Impl;
  explicit Dataset(std::unique_ptr<Impl> impl);
  static Dataset open(const std::string& path, Index memory, const DatasetNames& names,
                      bool streamed);
  std::unique_ptr<Impl> impl_;
};

/// Fails with data where the data set has no labels; `who` says what needs them ("softmax").
void require_labels(const Dataset& dataset, const std::string& who);

}  // namespace kindred
