#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

// The wire format of protocol buffers: fields, each a number and a value, one after the other.
// Source: protobuf.dev, "Encoding". train/onnx/protobuf_reader.h reads it.

namespace kindred {

/// Writes the fields of one message.
class ProtobufWriter {
 public:
  void integer(int field, std::int64_t value);
  void real(int field, float value);
  void real64(int field, double value);
  void bytes(int field, std::string_view value);
  void bytes(int field, std::span<const std::byte> value);
  void message(int field, const ProtobufWriter& value) { bytes(field, value.text()); }
  /// Fields that were written before, by another.
  void append(const ProtobufWriter& fields) { text_ += fields.text_; }

  const std::string& text() const { return text_; }

 private:
  void varint(std::uint64_t value);
  void key(int field, int kind);

  std::string text_;
};

}  // namespace kindred
