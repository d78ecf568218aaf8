#include "data/batches/augment_effects.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;

const InputScaling kTwice{{10}, {2}};  // (byte - 10) * 2

std::vector<float> applied(const Effects& effects, const Shape& shape, const InputScaling& scaling,
                           std::vector<float> bytes) {
  const auto channels = static_cast<std::size_t>(shape.channels);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = (bytes[i] - scaling.mean[i % channels]) * scaling.scale[i % channels];
  }
  apply(effects, shape, scaling, bytes.data());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = bytes[i] / scaling.scale[i % channels] + scaling.mean[i % channels];
  }
  return bytes;
}

void expect_near(const std::vector<float>& found, const std::vector<float>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-3F) << i;
}

TEST(AugmentEffects, BrightnessAndContrastAreOfTheBytes) {
  const Shape shape{.channels = 1, .height = 1, .width = 2};
  expect_near(applied({.brightness = 1.2F}, shape, kTwice, {50, 150}), {60, 180});
  expect_near(applied({.brightness = 2}, shape, kTwice, {50, 150}), {100, 255});
  expect_near(applied({.contrast = 0.5F}, shape, kTwice, {50, 150}), {75, 125});
  expect_near(applied({.contrast = 3}, shape, kTwice, {50, 150}), {0, 250});
  // The mean is that of the brighter image: 120.
  expect_near(applied({.brightness = 1.2F, .contrast = 0.5F}, shape, kTwice, {50, 150}), {90, 150});
}

TEST(AugmentEffects, ContrastIsAroundTheMeanOfAllChannels) {
  const Shape shape{.channels = 2, .height = 1, .width = 2};
  const InputScaling scaling{{10, 20}, {2, 0.5F}};
  // Mean (10 + 20 + 30 + 100) / 4 = 40.
  expect_near(applied({.contrast = 0.5F}, shape, scaling, {10, 20, 30, 100}), {25, 30, 35, 70});
}

TEST(AugmentEffects, GreyIsTheLuminance) {
  const Shape shape{.channels = 3, .height = 1, .width = 2};
  const InputScaling scaling{{10, 20, 30}, {2, 0.5F, 1}};
  expect_near(applied({.grey = true}, shape, scaling, {100, 200, 50, 7, 7, 7}),
              {153, 153, 153, 7, 7, 7});
}

TEST(AugmentEffects, BlurIsTheGaussianMeanWithEdgesRepeated) {
  for (const Shape& shape : {Shape{.channels = 3, .height = 9, .width = 7},
                             Shape{.channels = 1, .height = 2, .width = 130},
                             Shape{.channels = 1, .height = 1, .width = 1}}) {
    const InputScaling unchanged{std::vector<float>(static_cast<std::size_t>(shape.channels), 0),
                                 std::vector<float>(static_cast<std::size_t>(shape.channels), 1)};
    Random random(3, Purpose::test);
    std::vector<float> image(static_cast<std::size_t>(shape.size()));
    for (float& value : image) value = random.uniform(0, 255);
    const float sigma = 1.2F;
    std::vector<float> expected;
    for (Index y = 0; y < shape.height; ++y) {
      for (Index x = 0; x < shape.width; ++x) {
        for (Index c = 0; c < shape.channels; ++c) {
          double sum = 0;
          double weights = 0;
          for (Index v = -3; v <= 3; ++v) {
            for (Index u = -3; u <= 3; ++u) {
              const double weight = std::exp(-static_cast<double>(u * u + v * v) / 2 / 1.44);
              const Index row = std::clamp<Index>(y + v, 0, shape.height - 1);
              const Index column = std::clamp<Index>(x + u, 0, shape.width - 1);
              const Index at = (row * shape.width + column) * shape.channels + c;
              sum += weight * static_cast<double>(image[static_cast<std::size_t>(at)]);
              weights += weight;
            }
          }
          expected.push_back(static_cast<float>(sum / weights));
        }
      }
    }
    expect_near(applied({.sigma = sigma}, shape, unchanged, image), expected);
  }
}

TEST(AugmentEffects, ErasingPutsTheMeanIntoARectangle) {
  const Shape shape{.channels = 1, .height = 3, .width = 4};
  const Effects effects{.erased_top = 1, .erased_left = 2, .erased_height = 2, .erased_width = 1};
  expect_near(applied(effects, shape, kTwice, {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13}),
              {1, 2, 3, 4, 5, 6, 10, 8, 9, 11, 10, 13});
}

TEST(AugmentEffects, DrawsStayWithinTheirSettings) {
  const AugmentSettings settings{
      .brightness = 0.3, .contrast = 0.2, .grey = 0.25, .blur = 1.5, .erase = 0.5};
  const Shape shape{.channels = 3, .height = 20, .width = 30};
  int grey = 0;
  int erased = 0;
  double greatest = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Random random(seed, Purpose::augment);
    const Effects effects = draw_effects(settings, shape, random);
    EXPECT_NEAR(effects.brightness, 1, 0.3001);
    EXPECT_NEAR(effects.contrast, 1, 0.2001);
    greatest = std::max(greatest, std::abs(static_cast<double>(effects.contrast) - 1));
    EXPECT_LE(effects.sigma, 1.5F);
    grey += effects.grey ? 1 : 0;
    if (effects.erased_height == 0) continue;
    ++erased;
    const Index area = effects.erased_height * effects.erased_width;
    EXPECT_GE(area, 8);    // 2 % of 600 are 12, less the rounding of both sides
    EXPECT_LE(area, 230);  // 33 % are 198
    EXPECT_LE(effects.erased_top + effects.erased_height, 20);
    EXPECT_LE(effects.erased_left + effects.erased_width, 30);
  }
  EXPECT_GT(greatest, 0.19);
  EXPECT_NEAR(grey, 250, 70);  // five standard deviations
  EXPECT_NEAR(erased, 500, 80);
}

TEST(AugmentEffects, RefusesWhatItIsNotFor) {
  const auto augmenter = [](const AugmentSettings& settings, const Shape& shape) {
    const auto channels = static_cast<std::size_t>(shape.channels);
    Augmenter(settings, shape, Element::u8,
              {std::vector<float>(channels, 0), std::vector<float>(channels, 1)});
  };
  expect_error(ErrorKind::recipe, "grey is for images of 3 channels, not of 1",
               [&] { augmenter({.grey = 1}, {.channels = 1, .height = 4, .width = 4}); });
  expect_error(ErrorKind::recipe, "blur is for up to 4 channels",
               [&] { augmenter({.blur = 1}, {.channels = 5, .height = 4, .width = 4}); });
  expect_error(ErrorKind::recipe, "not for 5000 x 1",
               [&] { augmenter({.blur = 1}, {.channels = 1, .height = 4, .width = 5000}); });
}

}  // namespace
}  // namespace kindred
