#pragma once
#include <cassert>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/buffer.h"
#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

/// Which parts of a segment's elements this process holds, of those that ranks share out.
struct SegmentParts {
  std::vector<Index> begins;  ///< of each part in the whole array, and the last one's end
  std::size_t first = 0;      ///< it holds parts [first, end)
  std::size_t end = 1;
  bool shared = false;  ///< ranks share it out, also where this one holds all parts or none
};

/// One named piece of the flat array of trainable numbers.
struct Segment {
  std::string name;          ///< "blocks.0.convolution.weights", "loss.0.weights"
  std::vector<Index> shape;  ///< row-major
  Index offset = 0;          ///< of its first element in the flat array; a multiple of 16
  Index size = 0;            ///< what this process holds of it: all, unless ranks share it out
  double learning_rate_factor = 1.0;
  bool decay = true;    ///< off for biases and norms
  bool frozen = false;  ///< no optimizer moves it
  SegmentParts parts;   ///< one, unless ranks share it out; what is summed is summed part by part

  Index whole() const { return parts.begins.back(); }        ///< product of shape
  Index first() const { return parts.begins[parts.first]; }  ///< element of the whole at offset
};

/// The table of a flat float32 array of all trainable numbers. Parameters, gradients and the
/// optimizer's moments are arrays of `size()` elements described by one such table; the gaps that
/// align segments hold zeros. The network's segments come first, the losses' after them.
class ParameterTable {
 public:
  /// Adds a segment behind the last. Names are unique.
  const Segment& add(std::string name, std::vector<Index> shape, bool decay = true,
                     double learning_rate_factor = 1.0);
  /// One of which this process holds some parts alone.
  const Segment& add(std::string name, std::vector<Index> shape, SegmentParts parts, bool decay,
                     double learning_rate_factor);
  std::span<const Segment> segments() const { return segments_; }
  /// How segment number i is trained from now on. Optimizers that were made before do not see it.
  void set_training(std::size_t i, double learning_rate_factor, bool frozen);
  /// nullptr when there is none of that name.
  const Segment* find(std::string_view name) const;
  /// Elements of the flat array, gaps included.
  Index size() const { return size_; }

 private:
  std::vector<Segment> segments_;
  Index size_ = 0;
};

/// What a state array holds; the names are those of safetensors.
enum class DataType { f32, f64, i64, u8 };
Index bytes_of(DataType type);
std::string_view name_of(DataType type);

template <typename T>
constexpr DataType data_type_of();
template <>
constexpr DataType data_type_of<float>() {
  return DataType::f32;
}
template <>
constexpr DataType data_type_of<double>() {
  return DataType::f64;
}
template <>
constexpr DataType data_type_of<std::int64_t>() {
  return DataType::i64;
}
template <>
constexpr DataType data_type_of<std::uint8_t>() {
  return DataType::u8;
}

/// Named typed arrays that training carries and no optimizer touches: running statistics, centers,
/// memory queues and their positions. Saved in every checkpoint. Arrays never move once added.
class State {
 public:
  struct Array {
    std::string name;
    std::vector<Index> shape;
    DataType type;
    Buffer<unsigned char> bytes;

    Index size() const;
    /// REQUIRES: T is the array's type.
    template <typename T>
    std::span<T> as() {
      assert(data_type_of<T>() == type);
      return {reinterpret_cast<T*>(bytes.data()), static_cast<std::size_t>(size())};
    }
    template <typename T>
    std::span<const T> as() const {
      assert(data_type_of<T>() == type);
      return {reinterpret_cast<const T*>(bytes.data()), static_cast<std::size_t>(size())};
    }
  };

  /// Adds an array of zeros and returns its elements. Names are unique.
  template <typename T>
  std::span<T> add(std::string name, std::vector<Index> shape) {
    return add_array(std::move(name), std::move(shape), data_type_of<T>()).template as<T>();
  }
  Array& add_array(std::string name, std::vector<Index> shape, DataType type);
  /// In the order they were added.
  const std::vector<std::unique_ptr<Array>>& arrays() const { return arrays_; }
  Array* find(std::string_view name);
  const Array* find(std::string_view name) const;

 private:
  std::vector<std::unique_ptr<Array>> arrays_;
};

}  // namespace kindred
