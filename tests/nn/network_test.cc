// Whole networks, the shipped architectures: gradients, determinism, inference.
#include "kindred/nn/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "kindred/core/error.h"
#include "nn/layer_harness.h"
#include "nn/network_harness.h"
#include "support/error_of.h"
#include "support/naive_layers.h"

namespace kindred::test {
namespace {

struct Case {
  std::string name;
  std::string model;
  Shape src;
};

const std::vector<Case> kCases{
    {"conv4", "width = 64\npool_last = true", {1, 28, 28}},
    {"conv4_wide_end", "dropout = 0.2\nembedding = 40", {3, 28, 28}},
    {"conv4_direct", "convolution = 'direct'\nwidth = 32", {1, 28, 28}},
    {"conv4_odd", "width = 20\nembedding = 9", {2, 19, 23}},
    {"mlp", "architecture = 'mlp'\nhidden = [96, 64]", {784, 1, 1}},
    {"mlp_image", "architecture = 'mlp'\nhidden = [50]\nbatch_norm = false", {3, 9, 7}},
    {"linear", "architecture = 'mlp'\nhidden = []\nembedding = 1", {1, 1, 1}},
    {"resnet", "architecture = 'resnet'\nembedding = 64", {3, 32, 32}},
    {"resnet_odd",
     "architecture = 'resnet'\nwidths = [16, 24]\nblocks = 2\nstem_stride = 2",
     {1, 27, 21}},
    {"layers",
     "[[model.layers]]\nkind = 'convolution'\nchannels = 16\n"
     "[[model.layers]]\nkind = 'relu'\n"
     "[[model.layers]]\nkind = 'average_pool'\n"
     "[[model.layers]]\nkind = 'batch_norm'\n"
     "[[model.layers]]\nkind = 'residual'\n"
     "[[model.layers.body]]\nkind = 'convolution'\nchannels = 16\ngroups = 2\n"
     "[[model.layers]]\nkind = 'flatten'\n"
     "[[model.layers]]\nkind = 'batch_norm'\n"
     "[[model.layers]]\nkind = 'linear'\nfeatures = 12\n",
     {3, 12, 10}},
    {"ends_in_a_relu",
     "[[model.layers]]\nkind = 'linear'\nfeatures = 10\n[[model.layers]]\nkind = 'relu'\n",
     {30, 1, 1}},
    {"ends_in_a_pool",
     "[[model.layers]]\nkind = 'convolution'\nchannels = 32\n"
     "[[model.layers]]\nkind = 'global_average_pool'\n",
     {3, 12, 10}},
};

class NetworkCase : public testing::TestWithParam<Case> {
 protected:
  Architecture architecture() const { return architecture_of(GetParam().model, GetParam().src); }
};

bool has_dropout(const Architecture& architecture) {
  return std::ranges::any_of(architecture.layers,
                             [](const LayerSpec& layer) { return layer.kind == "dropout"; });
}

/// The slice's input, channels-last, as [S, C, H, W].
naive::Tensor to_naive(ConstMatrixView src, const Shape& shape) {
  naive::Tensor tensor(src.rows(), shape);
  for (Index n = 0; n < src.rows(); ++n) {
    for (Index i = 0; i < src.cols(); ++i) {
      const Index pixel = i / shape.channels;
      tensor(n, i % shape.channels, pixel / shape.width, pixel % shape.width) =
          static_cast<double>(src(n, i));
    }
  }
  return tensor;
}

std::vector<float> values_of(ConstMatrixView view) {
  std::vector<float> values;
  for (Index i = 0; i < view.rows(); ++i) {
    values.insert(values.end(), view.row(i), view.row(i) + view.cols());
  }
  return values;
}

void randomise_running_statistics(State& state) {
  Random random(11, Purpose::test);
  for (const auto& array : state.arrays()) {
    const bool variance = array->name.ends_with("variance");
    for (float& value : array->as<float>()) value = random.uniform(variance ? 0.3F : -0.5F, 1.0F);
  }
}

// Whole networks sum up the errors of their layers, and each norm divides them by its spread.
constexpr double kDeep = 1e-4;

TEST_P(NetworkCase, GradientAgreesWithNaiveFloat64) {
  const Architecture of = architecture();
  if (has_dropout(of)) GTEST_SKIP() << "the oracle has no dropout";
  NetworkHarness harness(of, 2, 4);
  naive::Numbers numbers(harness.table, harness.parameters);
  naive::Network first(of.layers);
  naive::Network second(of.layers);
  for (std::uint64_t seed = 1;; ++seed) {
    ASSERT_LT(seed, 60U) << "no input on which float32 and float64 decide alike";
    harness.fill(seed);
    naive::Margin margin;
    const auto dst = first.forward(to_naive(harness.slices[0]->src(), of.src), numbers, margin);
    const auto dst2 = second.forward(to_naive(harness.slices[1]->src(), of.src), numbers, margin);
    if (margin.smallest < 4e-6) continue;
    harness.embeddings.fill(std::numeric_limits<float>::quiet_NaN());
    harness.rows.fill(std::numeric_limits<float>::quiet_NaN());
    harness.forward();
    harness.backward();
    std::vector<double> expected = dst.values;
    expected.insert(expected.end(), dst2.values.begin(), dst2.values.end());
    EXPECT_LE(error_of(values_of(harness.embeddings), expected), kDeep) << "embeddings";
    break;
  }
  const auto diff_of = [&](Index slice) {
    const ConstMatrixView rows = harness.diff_embeddings.view().rows_from(slice * 2, 2);
    return to_naive(rows, {rows.cols(), 1, 1});
  };
  first.backward(diff_of(0), numbers);
  second.backward(diff_of(1), numbers);
  for (const Segment& segment : harness.table.segments()) {
    const auto begin = static_cast<std::ptrdiff_t>(segment.offset);
    const auto end = begin + static_cast<std::ptrdiff_t>(segment.size);
    EXPECT_LE(
        error_of(
            std::vector<float>(harness.gradient.begin() + begin, harness.gradient.begin() + end),
            std::vector<double>(numbers.gradient.begin() + begin, numbers.gradient.begin() + end)),
        kDeep)
        << segment.name;
  }
}

TEST_P(NetworkCase, BitsDoNotDependOnTheNumberOfThreads) {
  const Architecture of = architecture();
  std::vector<float> embeddings;
  std::vector<float> gradient;
  std::vector<float> running;
  for (const int threads : {1, 2, 3, 8}) {
    NetworkHarness harness(of, 4, 24, threads, 3);
    harness.fill(1);
    harness.forward();
    harness.backward();
    harness.network.update_running_statistics(harness.slices);
    std::vector<float> state;
    for (const auto& array : harness.state.arrays()) {
      const auto values = array->as<float>();
      state.insert(state.end(), values.begin(), values.end());
    }
    if (threads == 1) {
      embeddings = values_of(harness.embeddings);
      gradient = harness.gradient;
      running = state;
      continue;
    }
    EXPECT_EQ(values_of(harness.embeddings), embeddings) << threads;
    EXPECT_EQ(harness.gradient, gradient) << threads;
    EXPECT_EQ(state, running) << threads;
  }
}

TEST_P(NetworkCase, ReplayGivesTheSameBitsAndLeavesRunningStatisticsAlone) {
  NetworkHarness harness(architecture(), 4, 8);
  harness.fill(1);
  harness.forward();
  harness.backward();
  const auto embeddings = values_of(harness.embeddings);
  const auto gradient = harness.gradient;
  const auto state_bytes = [&] {
    std::vector<unsigned char> bytes;
    for (const auto& array : harness.state.arrays()) {
      bytes.insert(bytes.end(), array->bytes.data(), array->bytes.data() + array->bytes.size());
    }
    return bytes;
  };
  const auto before = state_bytes();
  harness.forward(true);
  harness.backward();
  EXPECT_EQ(state_bytes(), before);
  EXPECT_EQ(values_of(harness.embeddings), embeddings);
  EXPECT_EQ(harness.gradient, gradient);
}

TEST_P(NetworkCase, LeavesTheGapsOfTheGradientZero) {
  NetworkHarness harness(architecture(), 4, 8);
  harness.fill(1);
  harness.forward();
  harness.backward();
  std::vector<bool> covered(harness.gradient.size());
  for (const Segment& segment : harness.table.segments()) {
    for (Index i = 0; i < segment.size; ++i) {
      covered[static_cast<std::size_t>(segment.offset + i)] = true;
    }
  }
  for (std::size_t i = 0; i < covered.size(); ++i) {
    if (covered[i]) continue;
    ASSERT_EQ(harness.gradient[i], 0.0F) << i;
  }
}

TEST_P(NetworkCase, InferenceUsesTheRunningStatistics) {
  const Architecture of = architecture();
  NetworkHarness trained(of, 2, 2);
  randomise_running_statistics(trained.state);
  InferenceHarness inference(of, 3, trained.table, trained.state, trained.parameters);
  const MatrixView src = inference.slice_of->src();
  Random random(3, Purpose::test);
  for (Index n = 0; n < 3; ++n) {
    for (Index i = 0; i < src.cols(); ++i) src(n, i) = random.uniform(-1.0F, 1.0F);
  }
  inference.forward();
  naive::Numbers numbers(trained.table, trained.parameters);
  naive::Margin margin;
  naive::Network oracle(of.layers, &trained.state);
  const auto expected = oracle.forward(to_naive(src, of.src), numbers, margin);
  EXPECT_LE(error_of(values_of(inference.embeddings), expected.values), kDeep);
}

TEST_P(NetworkCase, AnEmbeddingsBitsDoNotDependOnItsNeighbours) {
  const Architecture of = architecture();
  NetworkHarness trained(of, 2, 2);
  randomise_running_statistics(trained.state);
  const Index S = 16;
  InferenceHarness inference(of, S, trained.table, trained.state, trained.parameters);
  const MatrixView src = inference.slice_of->src();
  Random random(3, Purpose::test);
  std::vector<float> sample(static_cast<std::size_t>(src.cols()));
  for (float& value : sample) value = random.uniform(-1.0F, 1.0F);
  std::vector<float> expected;
  for (Index row = 0; row < S; ++row) {
    for (Index n = 0; n < S; ++n) {
      const bool zero = n % 3 == row % 3;  // padding rows are zero
      for (Index i = 0; i < src.cols(); ++i) {
        src(n, i) = zero ? 0.0F : random.uniform(-2.0F, 2.0F);
      }
    }
    std::copy(sample.begin(), sample.end(), src.row(row));
    inference.forward();
    const auto embedding = values_of(inference.embeddings.view().rows_from(row, 1));
    if (row == 0) expected = embedding;
    ASSERT_EQ(embedding, expected) << "row " << row;
  }
}

TEST_P(NetworkCase, UsesNoReferenceImplementation) {
  const Architecture of = architecture();
  NetworkHarness training(of, 16, 16);
  InferenceHarness inference(of, 16, training.table, training.state, training.parameters);
  for (const std::string& text : {training.network.describe(), inference.network.describe()}) {
    EXPECT_EQ(text.find(" ref"), std::string::npos) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, NetworkCase, testing::ValuesIn(kCases),
                         [](const auto& test) { return test.param.name; });

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
