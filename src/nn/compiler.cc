#include "nn/compiler.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "kindred/core/error.h"

namespace kindred {
namespace {

[[noreturn]] void mismatch(const std::string& name, const std::string& found,
                           const std::vector<Index>& shape) {
  fail(ErrorKind::data, fmt::format("the model {}, but its architecture needs '{}' of shape [{}]; "
                                    "the weights belong to another architecture",
                                    found, name, fmt::join(shape, ", ")));
}

}  // namespace

ParameterRange Compiler::parameter(const std::string& name, std::vector<Index> shape, bool decay,
                                   Initial initial) {
  const Segment* segment = nullptr;
  if (training()) {
    segment = &table_.add(name, std::move(shape), decay);
  } else {
    segment = table_.find(name);
    if (segment == nullptr) mismatch(name, "has no such segment", shape);
    if (segment->shape != shape) {
      mismatch(name, fmt::format("holds it as [{}]", fmt::join(segment->shape, ", ")), shape);
    }
  }
  const ParameterRange range{segment->offset, segment->size};
  fillings_.push_back({range, initial});
  return range;
}

std::span<float> Compiler::state(const std::string& name, Index size, float initial) {
  if (training()) {
    const auto values = state_.add<float>(name, {size});
    std::ranges::fill(values, initial);
    return values;
  }
  State::Array* array = state_.find(name);
  if (array == nullptr || array->type != DataType::f32) {
    mismatch(name, "has no such array of float32", {size});
  }
  if (array->size() != size) {
    mismatch(name, fmt::format("holds it with {} numbers", array->size()), {size});
  }
  return array->as<float>();
}

Index Compiler::claim(Index& used, Index floats) {
  constexpr Index kUnit = kAlignment / static_cast<Index>(sizeof(float));
  const Index offset = used;
  used += round_up(floats, kUnit);
  return offset;
}

}  // namespace kindred
