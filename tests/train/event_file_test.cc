// TensorBoard's files of events: tests/scripts/tensorboard_test.py reads whole ones.
#include "train/reports/event_file.h"

#include <gtest/gtest.h>

namespace kindred {
namespace {

// Source: RFC 3720, B.4, and the check value of CRC-32C.
TEST(EventFile, HasTheChecksumsOfCastagnoli) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(crc32c(""), 0U);
}

// Length, its checksum, the message, its checksum; the message by hand.
TEST(EventFile, WritesARecordAnEvent) {
  EventFile file;
  const std::size_t first = file.bytes().size();
  file.add(300, 1.5, {{"a", 0.5}});
  const std::string record = file.bytes().substr(first);
  const std::string message(
      "\x09\0\0\0\0\0\0\xF8\x3F"  // 1: 1.5
      "\x10\xAC\x02"              // 2: 300
      "\x2A\x0A\x0A\x08"          // 5: a summary of 10 bytes: 1: a value of 8
      "\x0A\x01"
      "a"  // 1: "a"
      "\x15\0\0\0\x3F",
      9 + 3 + 4 + 3 + 5);
  EXPECT_EQ(record.size(), 16 + message.size());
  EXPECT_EQ(record.substr(0, 8), std::string("\x18\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(record.substr(12, message.size()), message);
}

}  // namespace
}  // namespace kindred
