// Networks: what holds for one example as for all (network_cases_test.cc has the architectures).
#include "kindred/nn/network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kindred/core/error.h"
#include "nn/network_harness.h"
#include "support/error_of.h"

namespace kindred::test {
namespace {

// A ReLU's backward reads what it wrote; the embeddings' rows are the caller's to change.
TEST(Network, BackwardDoesNotReadTheEmbeddingsRows) {
  for (const char* features : {"16", "10"}) {
    const auto architecture =
        architecture_of(std::string("[[model.layers]]\nkind = 'linear'\nfeatures = ") + features +
                            "\n[[model.layers]]\nkind = 'relu'\n",
                        {30, 1, 1});
    NetworkHarness harness(architecture, 4, 8);
    harness.fill(1);
    harness.forward();
    harness.backward();
    const auto gradient = harness.gradient;
    harness.embeddings.fill(std::numeric_limits<float>::quiet_NaN());
    harness.backward();
    EXPECT_EQ(harness.gradient, gradient) << features;
  }
}

// The written order: neighbouring rows first, then neighbouring pairs, and so on.
TEST(Network, AddsRowsOfGradientsInATreeOfPairs) {
  NetworkHarness harness(
      architecture_of("[[model.layers]]\nkind = 'linear'\nfeatures = 17\n", {30, 1, 1}), 2, 2);
  const Index size = harness.network.gradient_row_size();
  for (const Index count : {1, 2, 3, 7, 8, 9, 11, 16, 20, 64, 67}) {
    Matrix rows(count, size);
    Random random(1, Purpose::test);
    for (Index i = 0; i < count; ++i) {
      for (Index j = 0; j < size; ++j) rows(i, j) = random.normal();
    }
    Matrix tree(count, size);
    for (Index i = 0; i < count; ++i) std::copy_n(rows.row(i), size, tree.row(i));
    for (Index apart = 1; apart < count; apart *= 2) {
      for (Index i = 0; i + apart < count; i += 2 * apart) {
        for (Index j = 0; j < size; ++j) tree(i, j) += tree(i + apart, j);
      }
    }
    std::vector<float> expected(harness.gradient.size());
    const auto row = [size](Matrix& of) {
      return std::span(of.row(0), static_cast<std::size_t>(size));
    };
    harness.network.unpack_gradient(harness.workers, row(tree), expected);
    std::vector<float> found(harness.gradient.size());
    harness.network.add_gradient_rows(harness.workers, rows);
    harness.network.unpack_gradient(harness.workers, row(rows), found);
    EXPECT_EQ(found, expected) << count << " rows";
  }
}

// With AVX-512 oneDNN 2.6 would have blocks of four channels for groups of four, which a pool of
// ours behind them cannot read.
TEST(Network, ComputesWithGroupsOfAnySize) {
  for (const Index each : {1, 2, 3, 4, 6, 8, 12, 16}) {
    for (const Index groups : {1, 2, 3, 4}) {
      for (const Index side : {2, 5, 8}) {
        for (const int kernel : {1, 3}) {
          const Index channels = each * groups;
          const std::string text =
              "[[model.layers]]\nkind = 'convolution'\nchannels = " + std::to_string(channels) +
              "\ngroups = " + std::to_string(groups) + "\nkernel = " + std::to_string(kernel) +
              "\npadding = " + std::to_string(kernel / 2) +
              "\n[[model.layers]]\nkind = 'global_average_pool'\n";
          SCOPED_TRACE(text + "of " + std::to_string(side) + " pixels");
          const Architecture of = architecture_of(text, {channels, side, side});
          NetworkHarness harness(of, 4, 4);
          harness.fill(1);
          harness.forward();
          harness.backward();
          EXPECT_GT(*std::ranges::max_element(harness.gradient), 0);
          const Network inference = Network::for_inference(of, 4, harness.table, harness.state);
          EXPECT_EQ(inference.embedding(), channels);
        }
      }
    }
  }
}

TEST(Network, InitialisesWeightsByHeAndNormsToOneAndZero) {
  NetworkHarness harness(architecture_of("", {1, 28, 28}), 2, 2);
  for (const Segment& segment : harness.table.segments()) {
    const std::vector<float> values(
        harness.parameters.begin() + static_cast<std::ptrdiff_t>(segment.offset),
        harness.parameters.begin() + static_cast<std::ptrdiff_t>(segment.offset + segment.size));
    if (segment.shape.size() == 1) {
      EXPECT_FALSE(segment.decay) << segment.name;
      const float expected = segment.name.ends_with(".scale") ? 1.0F : 0.0F;
      EXPECT_EQ(values, std::vector<float>(values.size(), expected)) << segment.name;
      continue;
    }
    EXPECT_TRUE(segment.decay) << segment.name;
    double squares = 0;
    for (const float value : values)
      squares += static_cast<double>(value) * static_cast<double>(value);
    const double fan_in = static_cast<double>(segment.size / segment.shape[0]);
    // A variance from n normal numbers is off by sqrt(2 / n) of itself; n >= 576: 6 %.
    EXPECT_NEAR(squares / static_cast<double>(segment.size), 2 / fan_in, 0.25 * 2 / fan_in)
        << segment.name;
  }
  std::vector<float> again(harness.parameters.size());
  harness.network.initialise(1, again);
  EXPECT_EQ(again, harness.parameters);
  harness.network.initialise(2, again);
  EXPECT_NE(again, harness.parameters);
}

TEST(Network, NamesItsSegmentsAndStatistics) {
  NetworkHarness harness(architecture_of("pool_last = true", {1, 28, 28}), 2, 2);
  EXPECT_EQ(harness.table.find("blocks.0.convolution.weights")->shape,
            (std::vector<Index>{64, 1, 3, 3}));
  EXPECT_EQ(harness.table.find("blocks.0.convolution.bias"), nullptr);
  EXPECT_EQ(harness.table.find("blocks.3.norm.scale")->shape, std::vector<Index>{64});
  EXPECT_EQ(harness.table.find("embedding.weights")->shape, (std::vector<Index>{128, 64}));
  EXPECT_EQ(harness.table.find("embedding.bias")->shape, std::vector<Index>{128});
  EXPECT_NE(harness.state.find("blocks.3.norm.running_mean"), nullptr);
  EXPECT_EQ(harness.network.embedding(), 128);
}

TEST(Network, CountsTheOperationsOfASample) {
  NetworkHarness harness(architecture_of("pool_last = true", {1, 28, 28}), 2, 2);
  const double convolutions = 2.0 * 9 * 64 * (28 * 28 + 64 * (14 * 14 + 7 * 7 + 3 * 3));
  EXPECT_NEAR(harness.network.forward_flops(), convolutions, 0.05 * convolutions);
}

TEST(Network, SpeaksOfWeightsThatBelongToAnotherArchitecture) {
  NetworkHarness small(architecture_of("width = 16", {1, 28, 28}), 2, 2);
  const auto load = [&](const std::string& model) {
    return error_of(
        [&] {
          InferenceHarness(architecture_of(model, {1, 28, 28}), 2, small.table, small.state,
                           small.parameters);
        },
        ErrorKind::data);
  };
  EXPECT_EQ(load("width = 32"),
            "the model holds 'blocks.0.convolution.weights' as [16, 1, 3, 3], but its architecture "
            "needs it as [32, 1, 3, 3]; the weights belong to another architecture");
  EXPECT_EQ(load("architecture = 'mlp'"),
            "the model has no segment 'hidden.0.linear.weights' of shape [512, 784]; the weights "
            "belong to another architecture");
}

}  // namespace
}  // namespace kindred::test
