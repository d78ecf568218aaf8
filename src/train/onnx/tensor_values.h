#pragma once
#include <string>
#include <vector>

#include "train/onnx/messages.h"

namespace kindred::onnx {

/// The product of the extents. Fails with data where an extent is negative, or the product more
/// than any file holds.
Index elements_of(const Tensor& tensor);

/// Reads what tensors hold, in their own file or in others in `folder`: files there by a plain name
/// and no links, of which what lies within is read. With no folder, other files are refused.
class TensorValues {
 public:
  explicit TensorValues(std::string folder) : folder_(std::move(folder)) {}

  /// Numbers of any float type, as float32; finite. Fails with data.
  std::vector<float> floats(const Tensor& tensor) const;
  /// Whole numbers of any type. Fails with data, also where there are more than `most`.
  std::vector<std::int64_t> integers(const Tensor& tensor, Index most = 1 << 16) const;

 private:
  std::vector<std::byte> external(const Tensor& tensor, Index bytes) const;

  std::string folder_;
};

}  // namespace kindred::onnx
