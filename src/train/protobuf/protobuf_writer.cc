#include "train/protobuf/protobuf_writer.h"

namespace kindred {

void ProtobufWriter::varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) text_ += static_cast<char>(value | 0x80);
  text_ += static_cast<char>(value);
}

void ProtobufWriter::key(int field, int kind) {
  varint(static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(kind));
}

void ProtobufWriter::integer(int field, std::int64_t value) {
  key(field, 0);
  varint(static_cast<std::uint64_t>(value));
}

void ProtobufWriter::real(int field, float value) {
  key(field, 5);
  text_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void ProtobufWriter::real64(int field, double value) {
  key(field, 1);
  text_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void ProtobufWriter::bytes(int field, std::string_view value) {
  key(field, 2);
  varint(value.size());
  text_ += value;
}

void ProtobufWriter::bytes(int field, std::span<const std::byte> value) {
  bytes(field, std::string_view(reinterpret_cast<const char*>(value.data()), value.size()));
}

}  // namespace kindred
