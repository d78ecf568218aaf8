#include "kindred/core/memory.h"

#include <gtest/gtest.h>

#include <vector>

namespace kindred {
namespace {

TEST(Memory, SizesAreReadWithTheirUnits) {
  EXPECT_EQ(parse_bytes("64KiB"), Index{65536});
  EXPECT_EQ(parse_bytes("512MiB"), Index{512} << 20);
  EXPECT_EQ(parse_bytes("1.5 GiB"), Index{3} << 29);
  EXPECT_EQ(parse_bytes("1000"), Index{1000});
  EXPECT_EQ(parse_bytes("1000 bytes"), Index{1000});
  for (const char* wrong : {"", "GiB", "-1GiB", "0", "0.2", "1GB", "1 TiB", "2GiB ", "1  KiB",
                            "nan", "inf", "1e30GiB", "lots"}) {
    EXPECT_FALSE(parse_bytes(wrong).has_value()) << wrong;
  }
}

TEST(Memory, SizesAreWrittenForPeople) {
  EXPECT_EQ(text_of_bytes(0), "0 bytes");
  EXPECT_EQ(text_of_bytes(700), "700 bytes");
  EXPECT_EQ(text_of_bytes(1536), "1.5 KiB");
  EXPECT_EQ(text_of_bytes(Index{512} << 20), "512 MiB");
  EXPECT_EQ(text_of_bytes(Index{3} << 29), "1.5 GiB");
}

TEST(Memory, WhatIsTouchedIsResident) {
  constexpr Index kBytes = Index{64} << 20;
  EXPECT_GT(machine_memory(), kBytes);
  const Index before = resident_memory();
  const std::vector<char> touched(kBytes, 1);
  EXPECT_GT(before, 0);
  // The rest of the process may give back a little meanwhile.
  EXPECT_GT(resident_memory(), before + kBytes / 2) << touched[0];
}

}  // namespace
}  // namespace kindred
