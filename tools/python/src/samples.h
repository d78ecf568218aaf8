#pragma once
#include <pybind11/pybind11.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "kindred/core/shape.h"
#include "kindred/data/sample_kinds.h"

namespace kindred::python {

/// Samples of a caller's array, one after the other, channels last.
struct Samples {
  const std::byte* data = nullptr;
  Index count = 0;
  Shape shape = {};
  Element element = Element::u8;
  std::shared_ptr<const void> owner = {};

  Index sample_bytes() const {
    return shape.size() * (element == Element::u8 ? 1 : static_cast<Index>(sizeof(float)));
  }
};

/// uint8 [N, height, width, channels] or [N, height, width]; float32 [N, F] (other numbers become
/// that), or [N, height, width, channels] where a network is to see floats as they are. No copy
/// where type and layout allow. Fails with data.
Samples samples_of(pybind11::handle array, const std::string& name);

/// "28 x 28 x 1 bytes", "384 floats"
std::string text_of_samples(const Shape& shape, Element element);

/// (height, width, channels), or (F,) of vectors.
pybind11::tuple tuple_of_shape(const Shape& shape, Element element);

/// "train", "validation", "test" or "all". Fails with usage.
Split split_named(const std::string& name);

}  // namespace kindred::python
