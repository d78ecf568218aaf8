#include "train/onnx/protobuf_reader.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "kindred/core/error.h"

namespace kindred::onnx {
namespace {

[[noreturn]] void refuse_bytes(const std::string& why) {
  fail(ErrorKind::data, "is no ONNX model, or a damaged one: " + why);
}

}  // namespace

bool ProtobufReader::next() {
  if (rest_.empty()) return false;
  const std::uint64_t key = take_varint();
  constexpr std::uint64_t kMostField = (1 << 29) - 1;
  if (key >> 3 == 0 || key >> 3 > kMostField)
    refuse_bytes(fmt::format("a field of number {}", key >> 3));
  field_ = static_cast<int>(key >> 3);
  kind_ = static_cast<Kind>(key & 7);
  switch (kind_) {
    case Kind::varint: value_ = take_varint(); return true;
    case Kind::fixed64: value_ = take_fixed(8); return true;
    case Kind::fixed32: value_ = take_fixed(4); return true;
    case Kind::bytes: break;
    default: refuse_bytes(fmt::format("a field of kind {}", key & 7));
  }
  const std::uint64_t length = take_varint();
  if (length > rest_.size()) {
    refuse_bytes(
        fmt::format("field {} claims {} bytes where {} are left", field_, length, rest_.size()));
  }
  bytes_ = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return true;
}

std::uint64_t ProtobufReader::take_varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) refuse_bytes("a number is cut off");
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  refuse_bytes("a number has more than ten bytes");
}

std::uint64_t ProtobufReader::take_fixed(std::size_t bytes) {
  static_assert(std::endian::native == std::endian::little);
  if (rest_.size() < bytes) refuse_bytes("a number is cut off");
  std::uint64_t value = 0;
  std::memcpy(&value, rest_.data(), bytes);
  rest_.remove_prefix(bytes);
  return value;
}

void ProtobufReader::expect(Kind kind) const {
  if (kind_ != kind) {
    refuse_bytes(fmt::format("field {} is of kind {}, not {}", field_, static_cast<int>(kind_),
                             static_cast<int>(kind)));
  }
}

std::uint64_t ProtobufReader::number() const {
  expect(Kind::varint);
  return value_;
}

float ProtobufReader::real() const {
  expect(Kind::fixed32);
  return std::bit_cast<float>(static_cast<std::uint32_t>(value_));
}

std::string_view ProtobufReader::bytes() const {
  expect(Kind::bytes);
  return bytes_;
}

void ProtobufReader::append_integers(std::vector<std::int64_t>& values) const {
  if (kind_ != Kind::bytes) {
    values.push_back(integer());
    return;
  }
  for (ProtobufReader packed(bytes_); !packed.rest_.empty();) {
    values.push_back(static_cast<std::int64_t>(packed.take_varint()));
  }
}

template <typename T>
void ProtobufReader::append(Kind kind, std::vector<T>& values) const {
  const auto put = [&](std::uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    values.push_back(value);
  };
  if (kind_ != Kind::bytes) {
    expect(kind);
    return put(value_);
  }
  if (bytes_.size() % sizeof(T) != 0) refuse_bytes(fmt::format("field {} is cut off", field_));
  values.reserve(values.size() + bytes_.size() / sizeof(T));
  for (ProtobufReader packed(bytes_); !packed.rest_.empty();) put(packed.take_fixed(sizeof(T)));
}

void ProtobufReader::append_reals(std::vector<float>& values) const {
  append(Kind::fixed32, values);
}
void ProtobufReader::append_reals(std::vector<double>& values) const {
  append(Kind::fixed64, values);
}

}  // namespace kindred::onnx
