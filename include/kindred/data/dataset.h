#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/matrix.h"
#include "kindred/core/shape.h"

namespace kindred {

enum class Element { u8, f32 };  ///< /images hold bytes, /vectors hold floats

/// Which samples of a data set.
enum class Split : std::uint8_t { train = 0, validation = 1, test = 2, all = 255 };

/// What a file of somebody else calls things; what is empty is found (datasets/README.md).
struct DatasetNames {
  std::string images = {};  ///< the data set of images or vectors
  std::string labels = {};  ///< its labels; "NAME:COLUMN" where there are several a sample
  std::string layout = {};  ///< "nhwc" or "nchw", where it is not what it looks like

  bool empty() const { return images.empty() && labels.empty() && layout.empty(); }
};

/// A data set in HDF5 (datasets/README.md), checked from end to end when opened: shapes, types,
/// counts, label range, finite values. In memory when it fits `memory_budget` bytes, else streamed
/// with that much for chunks already read.
class Dataset {
 public:
  /// `path` may name a group: "FILE.h5:/group". Files that others wrote are read as they are:
  /// images become bytes, channels last. Fails with no_input or data. Labels may be absent: see
  /// require_labels().
  static Dataset open(const std::string& path, Index memory_budget = Index{2} << 30,
                      const DatasetNames& names = {});
  Dataset(Dataset&&) noexcept;
  Dataset& operator=(Dataset&&) noexcept;
  ~Dataset();

  Index size() const;
  const Shape& shape() const;
  Element element() const;
  Index sample_bytes() const;
  bool in_memory() const;
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

  /// Samples of a split, in file order.
  std::vector<Index> samples_of(Split split) const;

  /// Copies raw samples (channels-last) to dst, sample_bytes() each. Thread-safe.
  void read(std::span<const Index> samples, std::byte* dst) const;

 private:
  struct Impl;
  explicit Dataset(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Fails with data where the data set has no labels; `who` says what needs them ("softmax").
void require_labels(const Dataset& dataset, const std::string& who);

}  // namespace kindred
