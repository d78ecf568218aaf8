#include "kindred/core/parameters.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "support/error_of.h"

namespace kindred {
namespace {

using test::error_of;

TEST(ParameterTable, LaysSegmentsOutOneAfterTheOtherOnCacheLines) {
  ParameterTable table;
  EXPECT_EQ(table.size(), 0);
  table.add("weights", {3, 7});
  table.add("bias", {3}, false, 2.0);
  table.add("nothing", {0, 5});
  table.add("scalar", {});
  ASSERT_EQ(table.segments().size(), 4u);
  EXPECT_EQ(table.segments()[0].offset, 0);
  EXPECT_EQ(table.segments()[0].size, 21);
  EXPECT_EQ(table.segments()[1].offset, 32);  // 21 floats take two lines of 16
  EXPECT_EQ(table.segments()[1].size, 3);
  EXPECT_EQ(table.segments()[2].offset, 48);
  EXPECT_EQ(table.segments()[2].size, 0);
  EXPECT_EQ(table.segments()[3].offset, 48);
  EXPECT_EQ(table.segments()[3].size, 1);
  EXPECT_EQ(table.size(), 64);
}

TEST(ParameterTable, FindsSegmentsByNameWithTheirSettings) {
  ParameterTable table;
  table.add("weights", {3, 7});
  table.add("bias", {3}, false, 2.0);
  ASSERT_NE(table.find("weights"), nullptr);
  EXPECT_TRUE(table.find("weights")->decay);
  EXPECT_EQ(table.find("weights")->learning_rate_factor, 1.0);
  ASSERT_NE(table.find("bias"), nullptr);
  EXPECT_FALSE(table.find("bias")->decay);
  EXPECT_EQ(table.find("bias")->learning_rate_factor, 2.0);
  EXPECT_EQ(table.find("bias")->shape, std::vector<Index>{3});
  EXPECT_EQ(table.find("biases"), nullptr);
}

TEST(ParameterTable, RefusesASecondSegmentOfAName) {
  ParameterTable table;
  table.add("weights", {3});
  EXPECT_EQ(error_of([&] { table.add("weights", {4}); }, ErrorKind::internal),
            "two parameter segments are named 'weights'");
  EXPECT_EQ(table.size(), 16);
}

TEST(State, StartsAtZeroAndKeepsItsOrder) {
  State state;
  const auto mean = state.add<float>("mean", {2, 3});
  const auto position = state.add<std::int64_t>("position", {});
  const auto used = state.add<std::uint8_t>("used", {5});
  const auto sum = state.add<double>("sum", {2});
  EXPECT_EQ(mean.size(), 6u);
  EXPECT_EQ(position.size(), 1u);
  for (const float value : mean) EXPECT_EQ(value, 0.0f);
  for (const std::uint8_t value : used) EXPECT_EQ(value, 0);
  for (const double value : sum) EXPECT_EQ(value, 0.0);
  ASSERT_EQ(state.arrays().size(), 4u);
  EXPECT_EQ(state.arrays()[0]->name, "mean");
  EXPECT_EQ(state.arrays()[1]->name, "position");
  EXPECT_EQ(name_of(state.arrays()[0]->type), "F32");
  EXPECT_EQ(name_of(state.arrays()[1]->type), "I64");
  EXPECT_EQ(name_of(state.arrays()[2]->type), "U8");
  EXPECT_EQ(name_of(state.arrays()[3]->type), "F64");
}

TEST(State, ArraysStayWhereTheyAreWhenOthersFollow) {
  State state;
  const auto first = state.add<float>("first", {4});
  first[2] = 7;
  for (int i = 0; i < 100; ++i) state.add<float>("array" + std::to_string(i), {100});
  EXPECT_EQ(state.find("first")->as<float>().data(), first.data());
  EXPECT_EQ(static_cast<const State&>(state).find("first")->as<float>()[2], 7.0f);
  EXPECT_EQ(state.find("second"), nullptr);
}

TEST(State, RefusesASecondArrayOfAName) {
  State state;
  state.add<float>("mean", {1});
  EXPECT_EQ(error_of([&] { state.add<double>("mean", {1}); }, ErrorKind::internal),
            "two state arrays are named 'mean'");
}

TEST(DataType, KnowsItsBytes) {
  EXPECT_EQ(bytes_of(DataType::f32), 4);
  EXPECT_EQ(bytes_of(DataType::f64), 8);
  EXPECT_EQ(bytes_of(DataType::i64), 8);
  EXPECT_EQ(bytes_of(DataType::u8), 1);
}

}  // namespace
}  // namespace kindred
