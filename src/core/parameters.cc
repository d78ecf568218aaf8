#include "kindred/core/parameters.h"

#include <fmt/format.h>

#include <utility>

#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kMostElements = Index{1} << 44;

Index product(const std::vector<Index>& shape) {
  Index size = 1;
  for (const Index extent : shape) size *= extent;
  return size;
}

// No product of these is too large for an Index, and no memory holds so many.
void check_size(const std::string& name, const std::vector<Index>& shape, Index beside) {
  Index size = 1;
  for (const Index extent : shape) {
    if (extent >= 0 && (extent == 0 || size <= (kMostElements - beside) / extent)) {
      size *= extent;
      continue;
    }
    fail(ErrorKind::recipe,
         fmt::format("'{}' is of shape [{}]: all numbers that are trained and carried are at most "
                     "{}; make the network or the loss smaller",
                     name, fmt::join(shape, ", "), kMostElements));
  }
}

}  // namespace

void ParameterTable::set_training(std::size_t i, double learning_rate_factor, bool frozen) {
  segments_[i].learning_rate_factor = learning_rate_factor;
  segments_[i].frozen = frozen;
}

const Segment& ParameterTable::add(std::string name, std::vector<Index> shape, bool decay,
                                   double learning_rate_factor) {
  check_size(name, shape, size_);
  SegmentParts all{{0, product(shape)}, 0, 1, false};
  return add(std::move(name), std::move(shape), std::move(all), decay, learning_rate_factor);
}

const Segment& ParameterTable::add(std::string name, std::vector<Index> shape, SegmentParts parts,
                                   bool decay, double learning_rate_factor) {
  if (find(name) != nullptr) {
    fail(ErrorKind::internal, fmt::format("two parameter segments are named '{}'", name));
  }
  check_size(name, shape, size_);
  constexpr Index kUnit = kAlignment / static_cast<Index>(sizeof(float));
  const Index size = parts.begins[parts.end] - parts.begins[parts.first];
  segments_.push_back({std::move(name), std::move(shape), size_, size, learning_rate_factor, decay,
                       false, std::move(parts)});
  size_ += round_up(size, kUnit);
  return segments_.back();
}

const Segment* ParameterTable::find(std::string_view name) const {
  for (const Segment& segment : segments_) {
    if (segment.name == name) return &segment;
  }
  return nullptr;
}

Index bytes_of(DataType type) {
  switch (type) {
    case DataType::f32: return 4;
    case DataType::f64: return 8;
    case DataType::i64: return 8;
    case DataType::u8: return 1;
  }
  return 0;
}

std::string_view name_of(DataType type) {
  switch (type) {
    case DataType::f32: return "F32";
    case DataType::f64: return "F64";
    case DataType::i64: return "I64";
    case DataType::u8: return "U8";
  }
  return "";
}

Index State::Array::size() const { return product(shape); }

State::Array& State::add_array(std::string name, std::vector<Index> shape, DataType type) {
  if (find(name) != nullptr) {
    fail(ErrorKind::internal, fmt::format("two state arrays are named '{}'", name));
  }
  check_size(name, shape, 0);
  const Index bytes = product(shape) * bytes_of(type);
  arrays_.push_back(std::make_unique<Array>(
      Array{std::move(name), std::move(shape), type, Buffer<unsigned char>(bytes)}));
  return *arrays_.back();
}

State::Array* State::find(std::string_view name) {
  for (const auto& array : arrays_) {
    if (array->name == name) return array.get();
  }
  return nullptr;
}

const State::Array* State::find(std::string_view name) const {
  return const_cast<State*>(this)->find(name);
}

}  // namespace kindred
