#include "array_tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>

#include "kindred/core/error.h"
#include "train/shards.h"

namespace kindred {

void add_segments(TensorFile& file, std::string_view prefix, const ParameterTable& table,
                  std::span<const float> flat, Shards* shards) {
  for (const Segment& segment : table.segments()) {
    const auto values = flat.subspan(static_cast<std::size_t>(segment.offset),
                                     static_cast<std::size_t>(segment.size));
    Tensor tensor{std::string(prefix) + segment.name, DataType::f32, segment.shape,
                  std::as_bytes(values)};
    if (segment.parts.shared) {
      tensor.first = static_cast<std::size_t>(segment.first()) * sizeof(float);
      tensor.read = [&segment, flat, shards](FunctionRef<void(std::span<const std::byte>)> take) {
        shards->read(segment, flat, take);
      };
    }
    file.add(std::move(tensor));
  }
}

void add_state(TensorFile& file, std::string_view prefix, const State& state) {
  for (const auto& array : state.arrays()) {
    const auto bytes =
        array->bytes.span().first(static_cast<std::size_t>(array->size() * bytes_of(array->type)));
    file.add({std::string(prefix) + array->name, array->type, array->shape, std::as_bytes(bytes)});
  }
}

const Tensor& find_tensor(const TensorFile& file, std::string_view name, DataType type,
                          const std::vector<Index>& shape) {
  const Tensor* tensor = file.find(name);
  if (tensor == nullptr) {
    fail(ErrorKind::data, fmt::format("{}: has no array '{}'", file.path(), name));
  }
  if (tensor->type != type || tensor->shape != shape) {
    fail(ErrorKind::data, fmt::format("{}: '{}' is {} {}; expected {} {}", file.path(), name,
                                      name_of(tensor->type), tensor->shape, name_of(type), shape));
  }
  return *tensor;
}

void load_segments(const TensorFile& file, std::string_view prefix, const ParameterTable& table,
                   std::span<float> flat) {
  for (const Segment& segment : table.segments()) {
    const Tensor& tensor =
        find_tensor(file, std::string(prefix) + segment.name, DataType::f32, segment.shape);
    std::memcpy(flat.data() + segment.offset, tensor.bytes.data(), tensor.bytes.size());
  }
}

}  // namespace kindred
