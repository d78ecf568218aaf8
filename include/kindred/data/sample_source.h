#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "kindred/core/buffer.h"
#include "kindred/core/export.h"
#include "kindred/core/shape.h"
#include "kindred/data/sample_kinds.h"

namespace KINDRED_API kindred {

/// Where the samples of a Dataset come from: an HDF5 file (Dataset::open), memory (below), or
/// whatever else a program writes a source for. All samples have the same shape.
class SampleSource {
 public:
  SampleSource(const SampleSource&) = delete;
  SampleSource& operator=(const SampleSource&) = delete;
  virtual ~SampleSource() = default;

  /// What messages call it: "train.h5: /images".
  const std::string& name() const { return name_; }
  Index size() const { return size_; }
  const Shape& shape() const { return shape_; }
  Element element() const { return element_; }
  Index sample_bytes() const {
    return shape_.size() * (element_ == Element::u8 ? 1 : static_cast<Index>(sizeof(float)));
  }

  /// Copies samples to dst, sample_bytes() each, pixels row by row, channels last. Indices may come
  /// in any order and more than once; floats are finite. Called by several threads at once. Nothing
  /// is to be allocated after the longest `samples` so far. Fails with data or io.
  virtual void read(std::span<const Index> samples, std::byte* dst, Reading reading) = 0;
  /// True where reading is copying: one thread that reads ahead is then enough.
  virtual bool in_memory() const { return false; }

 protected:
  SampleSource(std::string name, Index size, const Shape& shape, Element element)
      : name_(std::move(name)), size_(size), shape_(shape), element_(element) {}

 private:
  std::string name_;
  Index size_;
  Shape shape_;
  Element element_;
};

/// Samples that lie in memory: `values` [size, height, width, channels], copied. Fails with data
/// where there is no sample, where values do not make whole samples, or a float is not finite.
/// Images:
std::unique_ptr<SampleSource> samples_in_memory(std::span<const std::uint8_t> values,
                                                const Shape& shape);
/// Vectors (height and width 1), or whatever floats a network is to see as they are:
std::unique_ptr<SampleSource> samples_in_memory(std::span<const float> values, const Shape& shape);

}  // namespace kindred
