#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "kindred/core/index.h"

// The wire format of protocol buffers: fields, each a number and a value, one after the other.
// Source: protobuf.dev, "Encoding".

namespace kindred::onnx {

/// Reads the fields of one message in the order they stand. Texts and messages inside point into
/// the bytes: nothing is copied, and nothing recurses but the caller. Fails with data where a field
/// ends behind the message, or is of a kind that is not used any more (groups).
class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view bytes) : rest_(bytes) {}

  /// Goes to the next field; false at the end.
  bool next();
  int field() const { return field_; }

  /// The field's value; fails with data where the field holds something else.
  std::uint64_t number() const;
  std::int64_t integer() const { return static_cast<std::int64_t>(number()); }
  float real() const;
  /// A text, or a message.
  std::string_view bytes() const;

  /// Appends a repeated field's values: one, or many packed.
  void append_integers(std::vector<std::int64_t>& values) const;
  void append_reals(std::vector<float>& values) const;
  void append_reals(std::vector<double>& values) const;

 private:
  enum class Kind { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

  std::uint64_t take_varint();
  std::uint64_t take_fixed(std::size_t bytes);
  void expect(Kind kind) const;
  template <typename T>
  void append(Kind kind, std::vector<T>& values) const;

  std::string_view rest_;
  int field_ = 0;
  Kind kind_ = Kind::varint;
  std::uint64_t value_ = 0;
  std::string_view bytes_;
};

}  // namespace kindred::onnx
