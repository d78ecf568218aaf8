#include "kindred/core/cpu.h"

#include <gtest/gtest.h>

#include <string>

#include "core/matmul_tile.h"
#include "kindred/core/error.h"
#include "support/error_of.h"

namespace kindred {
namespace {

using test::error_of;

TEST(Isa, IsWhatTheVariableCapsItTo) {
  for (const Isa level : kAllIsas) {
    if (level > cpu_isa()) continue;
    EXPECT_EQ(capped_isa(name_of(level)), level) << name_of(level);
  }
}

TEST(Isa, RefusesALevelThatTheCpuLacks) {
  for (const Isa level : kAllIsas) {
    if (level <= cpu_isa()) continue;
    const std::string error = error_of([&] { capped_isa(name_of(level)); }, ErrorKind::usage);
    EXPECT_NE(error.find("this CPU has no more than"), std::string::npos) << error;
  }
}

TEST(Isa, RefusesWhatIsNoLevel) {
  for (const char* wanted : {"avx2", "V3", "v", "5"}) {
    const std::string error = error_of([&] { capped_isa(wanted); }, ErrorKind::usage);
    EXPECT_NE(error.find("expected v2, v3, v4, bf16 or amx"), std::string::npos) << error;
  }
}

TEST(Isa, NothingWantedCapsNothing) { EXPECT_EQ(capped_isa(""), cpu_isa()); }

TEST(Kernels, EveryLevelMultipliesAlike) {
  constexpr Index kDepth = 300;  // two chains
  float a[kDepth];
  float b[kDepth];
  double exact = 0;
  for (Index i = 0; i < kDepth; ++i) {
    a[i] = static_cast<float>(i % 7) - 3.25F;
    b[i] = static_cast<float>(i % 5) + 0.5F;
    exact += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  for (const Isa level : kAllIsas) {
    if (level > cpu_isa()) continue;
    const float found = kernels_at<TileKernels<float>>(level).dot(a, b, kDepth);
    // float32, 300 terms of size <= 15: 300 * 15 * 2^-24 ~ 3e-4
    EXPECT_NEAR(static_cast<double>(found), exact, 3e-4) << name_of(level);
  }
}

}  // namespace
}  // namespace kindred
