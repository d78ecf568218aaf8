#include "data/arrays/npy_array.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <span>
#include <string_view>

#include "data/text/text_encoding.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kLongestHeader = 1 << 16;
constexpr std::size_t kLongestText = 1 << 16;  // characters

[[noreturn]] void refuse_array(const std::string& path, const std::string& why) {
  fail(ErrorKind::data, fmt::format("{}: {}", path, why));
}

/// What stands behind 'key': in the header's dictionary, up to the end of the value's kind.
std::string_view value_of(const std::string& path, std::string_view header, std::string_view key) {
  const std::size_t at = header.find(fmt::format("'{}'", key));
  const std::size_t colon = at == header.npos ? at : header.find(':', at);
  const std::size_t first = colon == header.npos ? colon : header.find_first_not_of(' ', colon + 1);
  if (first == header.npos) refuse_array(path, fmt::format("the NumPy header has no '{}'", key));
  return header.substr(first);
}

std::vector<Index> read_shape(const std::string& path, std::string_view text) {
  const std::size_t close = text.find(')');
  if (text.empty() || text[0] != '(' || close == text.npos) {
    refuse_array(path, "the shape in the NumPy header cannot be read");
  }
  std::vector<Index> shape;
  for (std::string_view left = text.substr(1, close - 1); !left.empty();) {
    const std::size_t start = left.find_first_not_of(" ,");
    if (start == left.npos) break;
    left.remove_prefix(start);
    Index extent = -1;
    const auto [end, error] = std::from_chars(left.data(), left.data() + left.size(), extent);
    if (error != std::errc() || extent < 0) {
      refuse_array(path, "the shape in the NumPy header cannot be read");
    }
    left.remove_prefix(static_cast<std::size_t>(end - left.data()));
    shape.push_back(extent);
  }
  return shape;
}

void read_type(std::string_view text, NpyArray& array) {
  const std::size_t end = text.find('\'', 1);
  const std::string_view type =
      text.empty() || text[0] != '\'' || end == text.npos ? "" : text.substr(1, end - 1);
  std::size_t size = 0;
  const bool known = type.size() >= 3 && std::string_view("<>|=").find(type[0]) != type.npos &&
                     std::string_view("fiubSU").find(type[1]) != type.npos &&
                     std::from_chars(type.data() + 2, type.data() + type.size(), size).ptr ==
                         type.data() + type.size() &&
                     size <= kLongestText;
  array.kind = known ? type[1] : '?';
  array.bytes = array.kind == 'U' ? 4 * size : size;
  const bool fits = array.is_text()     ? array.bytes > 0
                    : array.kind == 'f' ? array.bytes == 2 || array.bytes == 4 || array.bytes == 8
                    : array.kind == 'b' ? array.bytes == 1
                                        : std::has_single_bit(array.bytes) && array.bytes <= 8;
  if (!known || !fits) {
    refuse_array(
        array.where,
        fmt::format("elements are of NumPy type {}; floats of 2, 4 or 8 bytes, integers and "
                    "texts (not Python objects) are read",
                    type.empty() ? "that is no number" : fmt::format("'{}'", type)));
  }
  array.swapped = type[0] == '>';
}

void check_size(const NpyArray& array) {
  const std::size_t held = array.file.size() - array.begin;
  std::size_t wanted = array.bytes;
  for (const Index extent : array.shape) {
    if (extent == 0) refuse_array(array.where, "the array is empty");
    if (wanted > held / static_cast<std::size_t>(extent)) {
      wanted = held + 1;
      break;
    }
    wanted *= static_cast<std::size_t>(extent);
  }
  if (wanted != held) {
    refuse_array(
        array.where,
        fmt::format("the header says [{}] elements of {} bytes, but {} bytes follow it; the "
                    "file is damaged or cut short",
                    fmt::join(array.shape, ", "), array.bytes, held));
  }
}

double half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  const double sign = bits >> 15 != 0 ? -1 : 1;
  if (exponent == 31) return fraction == 0 ? sign * INFINITY : NAN;
  return sign *
         (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25));
}

template <typename T>
T as(std::uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

NpyArray parse_npy(std::vector<std::byte> file, const std::string& path) {
  NpyArray array;
  array.where = path;
  array.file = std::move(file);
  const std::string_view text(reinterpret_cast<const char*>(array.file.data()), array.file.size());
  if (text.size() < 12 || !text.starts_with(kMagic))
    refuse_array(path, "is no NumPy array file (.npy)");
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(array.file[i]); };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3) {
    refuse_array(path, fmt::format("is of NumPy format version {}; 1 to 3 are read", version));
  }
  const std::size_t start = version == 1 ? 10 : 12;
  std::size_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (length > kLongestHeader || start + length > text.size()) {
    refuse_array(path, "the NumPy header is cut short");
  }
  const std::string_view header = text.substr(start, length);
  array.begin = start + length;
  read_type(value_of(path, header, "descr"), array);
  array.columns_first = value_of(path, header, "fortran_order").starts_with("True");
  array.shape = read_shape(path, value_of(path, header, "shape"));
  check_size(array);
  return array;
}

Index NpyArray::count() const {
  Index count = 1;
  for (const Index extent : shape) count *= extent;
  return count;
}

Index NpyArray::place(Index i) const {
  if (!columns_first) return i;
  Index at = 0;
  Index stride = count();  // of the axis, in stored order: the first runs fastest
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    stride /= shape[axis];
    at += i % shape[axis] * stride;
    i /= shape[axis];
  }
  return at;
}

std::uint64_t NpyArray::bits_of(Index i) const {
  std::uint64_t bits = 0;
  const std::byte* const at = file.data() + begin + static_cast<std::size_t>(i) * bytes;
  for (std::size_t b = 0; b < bytes; ++b) {
    const std::size_t place = swapped ? bytes - 1 - b : b;
    bits |= static_cast<std::uint64_t>(at[b]) << (8 * place);
  }
  return bits;
}

std::int64_t NpyArray::whole(Index i) const {
  const std::uint64_t bits = bits_of(i);
  if (kind != 'i') return static_cast<std::int64_t>(bits);
  const int unused = 64 - 8 * static_cast<int>(bytes);
  return static_cast<std::int64_t>(bits << unused) >> unused;
}

std::string NpyArray::text(Index i) const {
  const auto* const at = reinterpret_cast<const unsigned char*>(file.data()) + begin +
                         static_cast<std::size_t>(i) * bytes;
  if (kind == 'S') {
    std::size_t length = bytes;
    while (length > 0 && at[length - 1] == 0) --length;
    return {reinterpret_cast<const char*>(at), length};
  }
  std::string text;
  for (std::size_t k = 0; k < bytes; k += 4) {
    const auto byte = [&](std::size_t b) {
      return static_cast<char32_t>(at[k + (swapped ? 3 - b : b)]);
    };
    const char32_t c = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
    if (c != 0) append_utf8(text, c);
  }
  return text;
}

double NpyArray::element(Index i) const {
  const std::uint64_t bits = bits_of(i);
  if (kind == 'f') {
    return bytes == 2   ? half(static_cast<std::uint16_t>(bits))
           : bytes == 4 ? static_cast<double>(as<float>(bits))
                        : as<double>(bits);
  }
  return kind == 'i' ? static_cast<double>(whole(i)) : static_cast<double>(bits);
}

LabelValues label_values(const NpyArray& array, const std::string& name) {
  LabelValues values{.where = array.where, .name = name};
  if (array.shape.empty())
    refuse_array(array.where, "is a single value; one label a sample is expected");
  const Index count = array.count();
  values.columns = count / array.shape[0];
  values.is_unsigned = array.kind == 'u' && array.bytes == 8;
  for (Index i = 0; i < count; ++i) {
    const Index at = array.place(i);
    if (array.is_text()) {
      values.texts.push_back(array.text(at));
    } else if (array.kind == 'f') {
      values.reals.push_back(array.element(at));
    } else {
      values.whole.push_back(array.whole(at));
    }
  }
  return values;
}

std::vector<std::int64_t> whole_numbers(const NpyArray& array) {
  const bool flat = array.shape.size() == 1 || (array.shape.size() == 2 && array.shape[1] == 1);
  if (!flat) {
    refuse_array(array.where, fmt::format("has shape [{}]; one number a row is expected",
                                          fmt::join(array.shape, ", ")));
  }
  if (array.is_text()) refuse_array(array.where, "holds texts; whole numbers are expected");
  std::vector<std::int64_t> values;
  for (Index i = 0; i < array.shape[0]; ++i) {
    if (array.kind != 'f') {
      values.push_back(array.whole(i));
      if (array.kind == 'u' && values.back() < 0) {
        refuse_array(array.where,
                     fmt::format("row {} holds {}; numbers up to {} are read", i,
                                 static_cast<std::uint64_t>(values.back()), INT64_MAX));
      }
      continue;
    }
    const double value = array.element(i);
    if (!(std::abs(value) < 0x1p53) || value != std::floor(value)) {
      refuse_array(array.where,
                   fmt::format("row {} holds {}; a whole number below 2^53 is expected", i, value));
    }
    values.push_back(static_cast<std::int64_t>(value));
  }
  return values;
}

}  // namespace kindred
