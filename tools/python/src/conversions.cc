#include "conversions.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <vector>

namespace kindred::python {
namespace {

struct Half {
  std::uint16_t bits;
};
struct Brain {
  std::uint16_t bits;
};

float value_of(Half half) {
  const int exponent = half.bits >> 10 & 31;
  const auto fraction = static_cast<float>(half.bits & 1023);
  const float sign = half.bits >> 15 != 0 ? -1.0F : 1.0F;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  if (exponent == 31) return fraction != 0 ? std::nanf("") : sign * HUGE_VALF;
  return sign * std::ldexp(fraction + 1024.0F, exponent - 25);
}
float value_of(Brain brain) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(brain.bits) << 16);
}
template <typename T>
T value_of(T value) {
  return value;
}

template <typename From>
From load(const std::byte* at, bool swapped) {
  std::array<std::byte, sizeof(From)> bytes;
  std::memcpy(bytes.data(), at, sizeof(From));
  if (swapped) std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<From>(bytes);
}

/// The last extent in one loop, those before it like an odometer.
template <typename From, typename To>
bool convert_all(const ForeignArray& array, To* dst) {
  if (array.size() == 0) return true;
  const std::size_t outer = array.shape.empty() ? 0 : array.shape.size() - 1;
  const Index count = array.shape.empty() ? 1 : array.shape.back();
  const Index step = array.shape.empty() ? 0 : array.strides.back();
  std::vector<Index> place(outer, 0);
  const std::byte* row = array.data;
  while (true) {
    for (Index i = 0; i < count; ++i) {
      *dst++ = static_cast<To>(value_of(load<From>(row + i * step, array.swapped)));
    }
    std::size_t turn = outer;
    while (turn > 0) {
      --turn;
      row += array.strides[turn];
      if (++place[turn] < array.shape[turn]) break;
      row -= array.strides[turn] * array.shape[turn];
      place[turn] = 0;
      if (turn == 0) return true;
    }
    if (outer == 0) return true;
  }
}

template <typename To>
bool convert_whole(const ForeignArray& array, To* dst) {
  const bool negative = array.kind == Kind::integer;
  switch (array.bytes) {
    case 1:
      return negative ? convert_all<std::int8_t>(array, dst)
                      : convert_all<std::uint8_t>(array, dst);
    case 2:
      return negative ? convert_all<std::int16_t>(array, dst)
                      : convert_all<std::uint16_t>(array, dst);
    case 4:
      return negative ? convert_all<std::int32_t>(array, dst)
                      : convert_all<std::uint32_t>(array, dst);
    default:
      return negative ? convert_all<std::int64_t>(array, dst)
                      : convert_all<std::uint64_t>(array, dst);
  }
}

bool is_whole(Kind kind) {
  return kind == Kind::boolean || kind == Kind::integer || kind == Kind::natural;
}

template <typename To>
bool convert_number(const ForeignArray& array, To* dst) {
  if (is_whole(array.kind)) return convert_whole(array, dst);
  if (array.kind == Kind::brain) return convert_all<Brain>(array, dst);
  if (array.kind != Kind::real) return false;
  if (array.bytes == 2) return convert_all<Half>(array, dst);
  return array.bytes == 4 ? convert_all<float>(array, dst) : convert_all<double>(array, dst);
}

}  // namespace

bool convert(const ForeignArray& array, float* dst) { return convert_number(array, dst); }
bool convert(const ForeignArray& array, double* dst) { return convert_number(array, dst); }

bool convert(const ForeignArray& array, std::int64_t* dst) {
  return is_whole(array.kind) && convert_whole(array, dst);
}

bool convert(const ForeignArray& array, std::uint8_t* dst) {
  return (array.kind == Kind::natural || array.kind == Kind::boolean) && array.bytes == 1 &&
         convert_all<std::uint8_t>(array, dst);
}

}  // namespace kindred::python
