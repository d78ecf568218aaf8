#include "train/reports/event_file.h"

#include <bit>
#include <boost/crc.hpp>

#include "train/protobuf/protobuf_writer.h"

namespace kindred {
namespace {

constexpr std::uint32_t kMask = 0xA282EAD8;  // checksums of checksums would be weak

template <typename T>
std::string little_endian(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
static_assert(std::endian::native == std::endian::little);

std::uint32_t masked(std::uint32_t crc) { return std::rotr(crc, 15) + kMask; }

namespace event_field {
enum { wall_time = 1, step = 2, file_version = 3, summary = 5 };
}
namespace value_field {
enum { tag = 1, simple_value = 2 };
}
constexpr int kSummaryValue = 1;

ProtobufWriter event_at(double seconds, Index step) {
  ProtobufWriter event;
  event.real64(event_field::wall_time, seconds);
  event.integer(event_field::step, step);
  return event;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

EventFile::EventFile() {
  ProtobufWriter event = event_at(0, 0);
  event.bytes(event_field::file_version, std::string_view("brain.Event:2"));
  append(event.text());
}

void EventFile::add(Index step, double seconds,
                    const std::vector<std::pair<std::string, double>>& values) {
  ProtobufWriter summary;
  for (const auto& [tag, number] : values) {
    ProtobufWriter value;
    value.bytes(value_field::tag, std::string_view(tag));
    value.real(value_field::simple_value, static_cast<float>(number));
    summary.message(kSummaryValue, value);
  }
  ProtobufWriter event = event_at(seconds, step);
  event.message(event_field::summary, summary);
  append(event.text());
}

void EventFile::append(std::string_view message) {
  const std::string length = little_endian(static_cast<std::uint64_t>(message.size()));
  bytes_ += length;
  bytes_ += little_endian(masked(crc32c(length)));
  bytes_ += message;
  bytes_ += little_endian(masked(crc32c(message)));
}

}  // namespace kindred
