#include "train/runs/event_file.h"

#include <array>
#include <bit>

namespace kindred {
namespace {

constexpr std::uint32_t kCastagnoli = 0x82F63B78;  // its bits in the order they come
constexpr std::uint32_t kMask = 0xA282EAD8;        // checksums of checksums would be weak

template <typename T>
void put(std::string& bytes, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  }
}

std::uint32_t masked_crc(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + kMask; }

enum class Wire { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

void put_varint(std::string& bytes, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  bytes += static_cast<char>(value);
}

void put_key(std::string& bytes, int field, Wire wire) {
  put_varint(bytes, static_cast<std::uint64_t>(field << 3 | static_cast<int>(wire)));
}

void put_bytes(std::string& bytes, int field, std::string_view value) {
  put_key(bytes, field, Wire::bytes);
  put_varint(bytes, value.size());
  bytes += value;
}

// Event's fields: 1 wall_time, 2 step, 3 file_version, 5 summary.
std::string event_at(double seconds, Index step) {
  std::string event;
  put_key(event, 1, Wire::fixed64);
  put(event, std::bit_cast<std::uint64_t>(seconds));
  put_key(event, 2, Wire::varint);
  put_varint(event, static_cast<std::uint64_t>(step));
  return event;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? kCastagnoli : 0);
      table[i] = value;
    }
    return table;
  }();
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char byte : bytes) {
    crc = crc >> 8 ^ kTable[(crc ^ static_cast<std::uint8_t>(byte)) & 0xFF];
  }
  return ~crc;
}

EventFile::EventFile() {
  std::string event = event_at(0, 0);
  put_bytes(event, 3, "brain.Event:2");
  append(event);
}

void EventFile::add(Index step, double seconds,
                    const std::vector<std::pair<std::string, double>>& values) {
  std::string summary;
  for (const auto& [tag, number] : values) {
    std::string value;  // Summary.Value: 1 tag, 2 simple_value
    put_bytes(value, 1, tag);
    put_key(value, 2, Wire::fixed32);
    put(value, std::bit_cast<std::uint32_t>(static_cast<float>(number)));
    put_bytes(summary, 1, value);
  }
  std::string event = event_at(seconds, step);
  put_bytes(event, 5, summary);
  append(event);
}

void EventFile::append(std::string_view message) {
  std::string length;
  put(length, static_cast<std::uint64_t>(message.size()));
  bytes_ += length;
  put(bytes_, masked_crc(length));
  bytes_ += message;
  put(bytes_, masked_crc(message));
}

}  // namespace kindred
