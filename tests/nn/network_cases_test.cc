// Whole networks, the shipped architectures: gradients, determinism, inference.
#include "kindred/nn/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

#include "nn/layer_harness.h"
#include "nn/network_cases.h"
#include "nn/network_harness.h"
#include "support/bfloat16.h"
#include "support/naive_layers.h"

namespace kindred::test {
namespace {

class NetworkCase : public testing::TestWithParam<std::tuple<NamedNetwork, Precision>> {
 protected:
  void SetUp() override { SKIP_WITHOUT(precision()); }
  Precision precision() const { return std::get<1>(GetParam()); }
  Architecture architecture() const { return architecture(precision()); }
  Architecture architecture(Precision in) const {
    const NamedNetwork& of = std::get<0>(GetParam());
    Architecture architecture = architecture_of(of.model, of.src);
    architecture.precision = in;
    return architecture;
  }
};

class NetworkInFloat32 : public NetworkCase {};
class NetworkInBfloat16 : public NetworkCase {};

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
// Of what rounding alone costs (cost_of_rounding): which way each number goes is chance, which
// three samples do not even out.
constexpr double kOfRounding = 1.25;
constexpr double kOfRoundingThree = 2;
// On the way back, a number that was rounded falls on the other side of a ReLU or of a maximum in a
// share of about 2^-8 of the places, for each of up to 10 layers that decide, and turns a diff
// there on or off: sqrt(2 * 10 * 2^-8) = 28 %.
constexpr double kGradientInBfloat16 = 0.28;

TEST_P(NetworkInFloat32, GradientAgreesWithNaiveFloat64) {
  const Architecture of = architecture();
  if (has_dropout(of)) GTEST_SKIP() << "the oracle has no dropout";
  // Slices of four: of two numbers a norm leaves little but their order, and the diffs before it
  // are what remains of sums that cancel.
  NetworkHarness harness(of, 4, 8);
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
    const ConstMatrixView rows = harness.diff_embeddings.view().rows_from(slice * 4, 4);
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

/// What rounding every tensor and weight to bfloat16 costs a network that is computed in float64
/// else: the share that its embeddings move.
double cost_of_rounding(naive::Network& network, naive::Tensor src, naive::Numbers numbers) {
  naive::Margin margin;
  const naive::Tensor exact = network.forward(src, numbers, margin);
  numbers.in_bfloat16 = true;
  for (double& value : numbers.parameters) value = naive::as_bfloat16(value);
  for (double& value : src.values) value = naive::as_bfloat16(value);
  return typical_error(network.forward(src, numbers, margin).values, exact.values);
}

/// Root mean square of the differences as a share, and the cosine of the angle between the two.
struct Likeness {
  double error;
  double cosine;
};

Likeness likeness(const std::vector<float>& actual, const std::vector<float>& expected) {
  const std::vector<double> a(actual.begin(), actual.end());
  const std::vector<double> b(expected.begin(), expected.end());
  const double product = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  const double squares = std::inner_product(a.begin(), a.end(), a.begin(), 0.0) *
                         std::inner_product(b.begin(), b.end(), b.begin(), 0.0);
  return {typical_error(a, b), product / std::sqrt(squares)};
}

TEST_P(NetworkInBfloat16, GradientAgreesWithFloat32) {
  // What is dropped follows the layout, which is another in bfloat16.
  if (has_dropout(architecture())) GTEST_SKIP() << "another dropout";
  const Index S = 16;
  NetworkHarness harness(architecture(), S, 2 * S);
  NetworkHarness expected(architecture(Precision::float32), S, 2 * S);
  for (NetworkHarness* of : {&harness, &expected}) {
    of->fill(1);
    of->forward();
    of->backward();
  }
  const Likeness embeddings =
      likeness(values_of(harness.embeddings), values_of(expected.embeddings));
  const Likeness gradient = likeness(harness.gradient, expected.gradient);
  naive::Network oracle(architecture().layers);
  const naive::Tensor src = to_naive(expected.slices[0]->src(), architecture().src);
  const double cost =
      cost_of_rounding(oracle, src, naive::Numbers(expected.table, expected.parameters));
  EXPECT_LE(embeddings.error, kOfRounding * cost);
  EXPECT_LE(gradient.error, kGradientInBfloat16);
  EXPECT_GE(gradient.cosine, 1 - kGradientInBfloat16 * kGradientInBfloat16);
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
    harness.network.update_running_statistics(harness.seen);
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

TEST_P(NetworkCase, ASecondForwardGivesTheSameBitsAndLeavesRunningStatisticsAlone) {
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
  harness.forward();
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
  if (precision() == Precision::float32) {
    EXPECT_LE(error_of(values_of(inference.embeddings), expected.values), kDeep);
  } else {
    const auto embeddings = values_of(inference.embeddings);
    const double cost = cost_of_rounding(oracle, to_naive(src, of.src), numbers);
    EXPECT_LE(typical_error({embeddings.begin(), embeddings.end()}, expected.values),
              kOfRoundingThree * cost);
  }
}

TEST_P(NetworkCase, AnEmbeddingsBitsDependOnItsSampleAlone) {
  const Architecture of = architecture();
  NetworkHarness trained(of, 2, 2);
  randomise_running_statistics(trained.state);
  Random random(3, Purpose::test);
  std::vector<float> sample(static_cast<std::size_t>(of.src.size()));
  for (float& value : sample) value = random.uniform(-1.0F, 1.0F);
  for (const Index S : {1, 6, 8, 16, 32}) {
    std::vector<float> expected;
    InferenceHarness inference(of, S, trained.table, trained.state, trained.parameters);
    const MatrixView src = inference.slice_of->src();
    // The last rows of small slices are the ones at the edges of kernels; of 32, a few will do.
    for (Index row = 0; row<S; row += S> 16 && row < S - 4 ? 7 : 1) {
      for (Index n = 0; n < S; ++n) {
        const bool zero = n % 3 == row % 3;  // padding rows are zero
        for (Index i = 0; i < src.cols(); ++i) {
          src(n, i) = zero ? 0.0F : random.uniform(-2.0F, 2.0F);
        }
      }
      std::copy(sample.begin(), sample.end(), src.row(row));
      inference.forward();
      const auto embedding = values_of(inference.embeddings.view().rows_from(row, 1));
      if (expected.empty()) expected = embedding;
      ASSERT_EQ(embedding, expected) << "row " << row << " of a slice of " << S;
    }
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

const auto kName = [](const auto& test) {
  return std::get<0>(test.param).name + "_" + test_name(std::get<1>(test.param));
};
const auto kInFloat32 = testing::Values(Precision::float32);
const auto kInBfloat16 = testing::Values(Precision::bfloat16);
const auto kInBoth = testing::Values(Precision::float32, Precision::bfloat16);
INSTANTIATE_TEST_SUITE_P(Architectures, NetworkCase,
                         testing::Combine(testing::ValuesIn(kNetworks), kInBoth), kName);
INSTANTIATE_TEST_SUITE_P(Architectures, NetworkInFloat32,
                         testing::Combine(testing::ValuesIn(kNetworks), kInFloat32), kName);
INSTANTIATE_TEST_SUITE_P(Architectures, NetworkInBfloat16,
                         testing::Combine(testing::ValuesIn(kNetworks), kInBfloat16), kName);

}  // namespace
}  // namespace kindred::test
