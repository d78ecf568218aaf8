#include "nn/contract/compiler.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "kindred/core/error.h"

namespace kindred {
namespace {

std::string text_of_layer(const std::vector<Index>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

[[noreturn]] void missing(const char* what, const std::string& name,
                          const std::vector<Index>& shape) {
  fail(ErrorKind::data,
       fmt::format(
           "the model has no {} '{}' of shape {}; the weights belong to another architecture", what,
           name, text_of_layer(shape)));
}

[[noreturn]] void mismatch(const std::string& name, const std::vector<Index>& found,
                           const std::vector<Index>& expected) {
  fail(ErrorKind::data, fmt::format("the model holds '{}' as {}, but its architecture needs it as "
                                    "{}; the weights belong to another architecture",
                                    name, text_of_layer(found), text_of_layer(expected)));
}

}  // namespace

ParameterRange Compiler::parameter(const std::string& name, std::vector<Index> shape, bool decay,
                                   Initial initial) {
  const Segment* segment = nullptr;
  if (numbers_.new_table != nullptr) {
    segment = &numbers_.new_table->add(name, std::move(shape), decay);
  } else {
    segment = numbers_.table.find(name);
    if (segment == nullptr) missing("segment", name, shape);
    if (segment->shape != shape) mismatch(name, segment->shape, shape);
  }
  const ParameterRange range{segment->offset, segment->size};
  fillings_.push_back({range, initial});
  return range;
}

StateNumbers Compiler::state(const std::string& name, Index size, float initial) {
  const auto moved = [&](std::span<float> values) {
    return training() ? values : std::span<float>();
  };
  if (numbers_.new_table != nullptr) {
    const auto values = numbers_.moving->add<float>(name, {size});
    std::ranges::fill(values, initial);
    return {values, moved(values)};
  }
  const State::Array* array = numbers_.state.find(name);
  if (array == nullptr || array->type != DataType::f32) missing("float32 state", name, {size});
  if (array->size() != size) mismatch(name, array->shape, {size});
  if (numbers_.moving == nullptr) return {array->as<float>()};
  return {array->as<float>(), moved(numbers_.moving->find(name)->as<float>())};
}

Index Compiler::claim(Index& used, Index floats) {
  constexpr Index kUnit = kAlignment / static_cast<Index>(sizeof(float));
  const Index offset = used;
  used += round_up(floats, kUnit);
  return offset;
}

}  // namespace kindred
