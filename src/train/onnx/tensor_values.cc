#include "train/onnx/tensor_values.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/files/file_handle.h"
#include "core/files/positioned_io.h"
#include "kindred/core/error.h"

namespace kindred::onnx {
namespace {

constexpr Index kMostElements = Index{1} << 29;  // 2 GiB of float32

[[noreturn]] void refuse_tensor(const Tensor& tensor, const std::string& why) {
  fail(ErrorKind::data, fmt::format("constant '{}' {}", tensor.name, why));
}

Index bytes_of_tensor(TensorType type) {
  switch (type) {
    case TensorType::u8:
    case TensorType::i8:
    case TensorType::boolean: return 1;
    case TensorType::f16:
    case TensorType::bf16: return 2;
    case TensorType::f32:
    case TensorType::i32: return 4;
    case TensorType::f64:
    case TensorType::i64: return 8;
    default: return 0;
  }
}

/// IEEE 754 half precision.
float of_half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int mantissa = bits & 1023;
  const float sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
  if (exponent == 31) return sign * (mantissa == 0 ? INFINITY : NAN);
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -24);
  return sign * std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
}

float of_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// The elements of `bytes` as T, each through `convert`.
template <typename T, typename To, typename Convert>
std::vector<To> converted(std::string_view bytes, Convert convert) {
  std::vector<To> values(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
    values[i] = convert(value);
  }
  return values;
}

template <typename T, typename To>
std::vector<To> cast(std::string_view bytes) {
  return converted<T, To>(bytes, [](T value) { return static_cast<To>(value); });
}

template <typename From, typename To>
std::vector<To> cast_list(const std::vector<From>& list) {
  return std::vector<To>(list.begin(), list.end());
}

std::vector<float> floats_of_tensor(TensorType type, std::string_view bytes) {
  switch (type) {
    case TensorType::f32: return cast<float, float>(bytes);
    case TensorType::f64: return cast<double, float>(bytes);
    case TensorType::f16: return converted<std::uint16_t, float>(bytes, of_half);
    default: return converted<std::uint16_t, float>(bytes, of_bfloat16);
  }
}

std::vector<std::int64_t> integers_of(TensorType type, std::string_view bytes) {
  switch (type) {
    case TensorType::i64: return cast<std::int64_t, std::int64_t>(bytes);
    case TensorType::i32: return cast<std::int32_t, std::int64_t>(bytes);
    case TensorType::i8: return cast<std::int8_t, std::int64_t>(bytes);
    default: return cast<std::uint8_t, std::int64_t>(bytes);
  }
}

std::vector<float> listed_floats(TensorType type, const Tensor& tensor) {
  if (type == TensorType::f32) return tensor.floats;
  if (type == TensorType::f64) return cast_list<double, float>(tensor.doubles);
  std::vector<float> values;
  for (const std::int64_t bits : tensor.integers) {  // one in each
    const auto half = static_cast<std::uint16_t>(bits);
    values.push_back(type == TensorType::f16 ? of_half(half) : of_bfloat16(half));
  }
  return values;
}

/// A number of external_data; 0 where it is not said.
Index external_number(const Tensor& tensor, const std::string& key) {
  const auto found = tensor.external.find(key);
  if (found == tensor.external.end()) return 0;
  const std::string& digits = found->second;
  Index number = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (code != std::errc() || end != digits.data() + digits.size() || number < 0) {
    refuse_tensor(tensor,
                  fmt::format("has the {} '{}' in its other file", key, digits.substr(0, 40)));
  }
  return number;
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == name.npos &&
         name.find('\\') == name.npos && name.find('\0') == name.npos;
}

}  // namespace

Index elements_of(const Tensor& tensor) {
  Index elements = 1;
  for (const Index extent : tensor.shape) {
    if (extent < 0 || extent > kMostElements || (extent > 0 && elements > kMostElements / extent)) {
      refuse_tensor(tensor, fmt::format("has the shape [{}]", fmt::join(tensor.shape, ", ")));
    }
    elements *= extent;
  }
  return elements;
}

std::vector<std::byte> TensorValues::external(const Tensor& tensor, Index bytes) const {
  const auto found = tensor.external.find("location");
  const std::string name = found == tensor.external.end() ? "" : found->second;
  if (folder_.empty() || !is_plain_name(name)) {
    refuse_tensor(tensor,
                  fmt::format("lies in another file, '{}': only files beside the model are read, "
                              "by a plain name",
                              name.substr(0, 80)));
  }
  const Index offset = external_number(tensor, "offset");
  const Index length = external_number(tensor, "length");
  const FileHandle file =
      FileHandle::open(folder_ + "/" + name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  struct stat about {};
  if (!file.valid() || ::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) {
    fail(ErrorKind::no_input,
         fmt::format("constant '{}' lies in '{}', which is missing, no regular file or a link",
                     tensor.name, name));
  }
  if ((length != 0 && length != bytes) || offset > about.st_size ||
      bytes > about.st_size - offset) {
    refuse_tensor(tensor,
                  fmt::format("takes {} bytes from byte {} of '{}', which has {}; {} are expected",
                              length, offset, name, about.st_size, bytes));
  }
  std::vector<std::byte> content(static_cast<std::size_t>(bytes));
  read_at(file.get(), static_cast<std::uint64_t>(offset), bytes, content.data(), name);
  return content;
}

std::vector<float> TensorValues::floats(const Tensor& tensor) const {
  const auto type = static_cast<TensorType>(tensor.type);
  if (type != TensorType::f32 && type != TensorType::f64 && type != TensorType::f16 &&
      type != TensorType::bf16) {
    refuse_tensor(tensor, fmt::format("holds no floating-point numbers (type {})", tensor.type));
  }
  const Index elements = elements_of(tensor);
  std::vector<float> values;
  if (tensor.is_external) {
    const std::vector<std::byte> content = external(tensor, elements * bytes_of_tensor(type));
    values =
        floats_of_tensor(type, {reinterpret_cast<const char*>(content.data()), content.size()});
  } else if (!tensor.raw.empty() || elements == 0) {
    values = floats_of_tensor(type, tensor.raw);
  } else {
    values = listed_floats(type, tensor);
  }
  if (std::ssize(values) != elements) {
    refuse_tensor(tensor, fmt::format("has {} numbers, and the shape [{}]", values.size(),
                                      fmt::join(tensor.shape, ", ")));
  }
  for (const float value : values) {
    if (!std::isfinite(value)) refuse_tensor(tensor, "holds a number that is not finite");
  }
  return values;
}

std::vector<std::int64_t> TensorValues::integers(const Tensor& tensor, Index most) const {
  const auto type = static_cast<TensorType>(tensor.type);
  if (type != TensorType::i64 && type != TensorType::i32 && type != TensorType::i8 &&
      type != TensorType::u8 && type != TensorType::boolean) {
    refuse_tensor(tensor, fmt::format("holds no whole numbers (type {})", tensor.type));
  }
  const Index elements = elements_of(tensor);
  if (elements > most) refuse_tensor(tensor, fmt::format("has {} numbers", elements));
  std::vector<std::int64_t> values;
  if (tensor.is_external) {
    const std::vector<std::byte> content = external(tensor, elements * bytes_of_tensor(type));
    values = integers_of(type, {reinterpret_cast<const char*>(content.data()), content.size()});
  } else {
    values = tensor.raw.empty() ? tensor.integers : integers_of(type, tensor.raw);
  }
  if (std::ssize(values) != elements) {
    refuse_tensor(tensor, fmt::format("has {} numbers, and the shape [{}]", values.size(),
                                      fmt::join(tensor.shape, ", ")));
  }
  return values;
}

}  // namespace kindred::onnx
