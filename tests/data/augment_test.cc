#include "kindred/data/augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

#include "support/data_files.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;
using test::write_data_file;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

InputScaling unchanged(Index channels) {
  const auto n = static_cast<std::size_t>(channels);
  return {std::vector<float>(n, 0.0F), std::vector<float>(n, 1.0F)};
}

std::vector<float> applied(const AugmentSettings& settings, const Shape& shape,
                           const std::vector<std::uint8_t>& image, int turns,
                           std::uint64_t seed = 1, InputScaling scaling = {}) {
  if (scaling.mean.empty()) scaling = unchanged(shape.channels);
  const Augmenter augmenter(settings, shape, Element::u8, scaling);
  std::vector<float> dst(static_cast<std::size_t>(shape.size()), kNan);
  augmenter.apply(reinterpret_cast<const std::byte*>(image.data()), turns,
                  Random(seed, Purpose::augment), dst.data());
  return dst;
}

TEST(Augmenter, QuarterTurnsAreCounterClockwiseAndExact) {
  const Shape shape{.channels = 1, .height = 3, .width = 3};
  const std::vector<std::uint8_t> image{1, 2, 3,  //
                                        4, 5, 6,  //
                                        7, 8, 9};
  EXPECT_EQ(applied({}, shape, image, 0), (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(applied({}, shape, image, 1), (std::vector<float>{3, 6, 9, 2, 5, 8, 1, 4, 7}));
  EXPECT_EQ(applied({}, shape, image, 2), (std::vector<float>{9, 8, 7, 6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(applied({}, shape, image, 3), (std::vector<float>{7, 4, 1, 8, 5, 2, 9, 6, 3}));
}

TEST(Augmenter, FlipMirrorsHalfOfTheSamples) {
  const Shape shape{.channels = 2, .height = 1, .width = 3};
  const std::vector<std::uint8_t> image{1, 10, 2, 20, 3, 30};
  const std::vector<float> same{1, 10, 2, 20, 3, 30};
  const std::vector<float> mirrored{3, 30, 2, 20, 1, 10};
  int flips = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const std::vector<float> dst = applied({.flip = true}, shape, image, 0, seed);
    EXPECT_TRUE(dst == same || dst == mirrored);
    if (dst == mirrored) ++flips;
  }
  EXPECT_NEAR(flips, 200, 50);  // five standard deviations of a fair coin
}

TEST(Augmenter, ScalesToTheNetworksInput) {
  const Shape shape{.channels = 2, .height = 1, .width = 2};
  const InputScaling scaling{{10, 20}, {0.5F, 2}};
  const std::vector<float> expected{-5, -40, 45, 160};
  EXPECT_EQ(applied({}, shape, {0, 0, 100, 100}, 0, 1, scaling), expected);
  std::vector<float> dst(4, kNan);
  const std::vector<std::uint8_t> image{0, 0, 100, 100};
  Augmenter({}, shape, Element::u8, scaling)
      .plain(reinterpret_cast<const std::byte*>(image.data()), dst.data());
  EXPECT_EQ(dst, expected);
}

TEST(Augmenter, VectorsAreOnlyScaled) {
  const Shape shape{.channels = 3};
  const std::vector<float> vector{1, 2, 3};
  std::vector<float> dst(3, kNan);
  Augmenter({}, shape, Element::f32, {{0, 1, 0}, {1, 1, 2}})
      .apply(reinterpret_cast<const std::byte*>(vector.data()), 0, Random(1, Purpose::augment),
             dst.data());
  EXPECT_EQ(dst, (std::vector<float>{1, 1, 6}));
  expect_error(ErrorKind::recipe, "[augment] moves the pixels of images, but the data set holds",
               [&] { Augmenter({.scale = 0.1}, shape, Element::f32, unchanged(3)); });
  expect_error(ErrorKind::data, "input scaling is for 2 channels, samples have 3",
               [&] { Augmenter({}, shape, Element::f32, unchanged(2)); });
}

// The map itself, by its definition and in float64: the value at `p` is the image's, sampled
// bilinearly with zeros outside, at the point that the forward map takes to `p`.
std::vector<double> naive(const AugmentSettings& settings, const Shape& shape,
                          const std::vector<std::uint8_t>& image, int turns, std::uint64_t seed) {
  Random random(seed, Purpose::augment);
  const auto symmetric = [&](double limit) { return limit * (2.0 * random.uniform() - 1.0); };
  const double angle = symmetric(settings.rotate_degrees) * std::numbers::pi / 180;
  const double factor = 1 + symmetric(settings.scale);
  const double shear = symmetric(settings.shear);
  const double shift_x = symmetric(settings.shift) * static_cast<double>(shape.width);
  const double shift_y = symmetric(settings.shift) * static_cast<double>(shape.height);
  const bool flip = random.uniform() < 0.5F && settings.flip;
  double crop_width = 1, crop_height = 1, crop_x = 0, crop_y = 0;
  if (settings.crop > 0) {
    const double area = 1 - settings.crop * random.uniform();
    const double ratio = std::pow(4.0 / 3, 2 * static_cast<double>(random.uniform()) - 1);
    crop_width = std::min(1.0, std::sqrt(area * ratio));
    crop_height = std::min(1.0, std::sqrt(area / ratio));
    crop_x = (1 - crop_width) * (random.uniform() - 0.5) * static_cast<double>(shape.width);
    crop_y = (1 - crop_height) * (random.uniform() - 0.5) * static_cast<double>(shape.height);
  }
  const auto forward = [&](double x, double y, double& u, double& v) {
    for (int turn = 0; turn < turns; ++turn) {
      const double old = x;
      x = y;
      y = -old;
    }
    x = (x - crop_x) / crop_width;
    y = (y - crop_y) / crop_height;
    if (flip) x = -x;
    x *= factor;
    y *= factor;
    x += shear * y;
    u = x * std::cos(angle) + y * std::sin(angle) + shift_x;
    v = -x * std::sin(angle) + y * std::cos(angle) + shift_y;
  };
  // Inverted by its values: an affine map is known from three points.
  double ox, oy, ax, ay, bx, by;
  forward(0, 0, ox, oy);
  forward(1, 0, ax, ay);
  forward(0, 1, bx, by);
  ax -= ox, ay -= oy, bx -= ox, by -= oy;
  const double determinant = ax * by - bx * ay;
  const double middle_x = static_cast<double>(shape.width - 1) / 2;
  const double middle_y = static_cast<double>(shape.height - 1) / 2;
  std::vector<double> dst;
  for (Index row = 0; row < shape.height; ++row) {
    for (Index column = 0; column < shape.width; ++column) {
      const double u = static_cast<double>(column) - middle_x - ox;
      const double v = static_cast<double>(row) - middle_y - oy;
      const double x = (by * u - bx * v) / determinant + middle_x;
      const double y = (ax * v - ay * u) / determinant + middle_y;
      for (Index c = 0; c < shape.channels; ++c) {
        double value = 0;
        for (const double corner_y : {std::floor(y), std::floor(y) + 1}) {
          for (const double corner_x : {std::floor(x), std::floor(x) + 1}) {
            if (corner_x < 0 || corner_y < 0 || corner_x >= static_cast<double>(shape.width) ||
                corner_y >= static_cast<double>(shape.height)) {
              continue;
            }
            const auto pixel =
                static_cast<Index>(corner_y) * shape.width + static_cast<Index>(corner_x);
            value += (1 - std::abs(x - corner_x)) * (1 - std::abs(y - corner_y)) *
                     image[static_cast<std::size_t>(pixel * shape.channels + c)];
          }
        }
        dst.push_back(value);
      }
    }
  }
  return dst;
}

TEST(Augmenter, AgreesWithTheNaiveMap) {
  const std::vector<Shape> shapes{{.channels = 1, .height = 28, .width = 28},
                                  {.channels = 3, .height = 9, .width = 9},
                                  {.channels = 1, .height = 5, .width = 131},
                                  {.channels = 1, .height = 1, .width = 1}};
  const std::vector<AugmentSettings> all{
      {.rotate_degrees = 10},
      {.scale = 0.2},
      {.shear = 0.3},
      {.shift = 0.4},
      {.crop = 0.9},
      {.rotate_degrees = 30, .shift = 0.2, .flip = true, .crop = 0.5},
      {.rotate_degrees = 180, .scale = 0.5, .shear = 1, .shift = 1, .flip = true}};
  Random random(7, Purpose::test);
  for (const Shape& shape : shapes) {
    std::vector<std::uint8_t> image(static_cast<std::size_t>(shape.size()));
    for (std::uint8_t& byte : image) byte = static_cast<std::uint8_t>(random.below(256));
    for (const AugmentSettings& settings : all) {
      for (std::uint64_t seed = 0; seed < 40; ++seed) {
        const int turns = shape.width == shape.height ? static_cast<int>(seed % 4) : 0;
        const std::vector<float> dst = applied(settings, shape, image, turns, seed);
        const std::vector<double> expected = naive(settings, shape, image, turns, seed);
        for (std::size_t i = 0; i < dst.size(); ++i) {
          // Positions up to ~300 in float32: error 300 * 2^-24 * a few; the slope is at most 255 in
          // each direction.  300 * 6e-8 * 4 * 510 ~ 0.037 grey values.
          ASSERT_NEAR(dst[i], expected[i], 0.04) << "pixel " << i << ", seed " << seed;
        }
      }
    }
  }
}

TEST(Augmenter, TheSameRandomNumbersGiveTheSameBits) {
  const Shape shape{.channels = 1, .height = 28, .width = 28};
  std::vector<std::uint8_t> image(784);
  std::iota(image.begin(), image.end(), std::uint8_t{0});
  const AugmentSettings settings{.rotate_degrees = 15, .scale = 0.2, .shear = 0.3, .shift = 0.1};
  EXPECT_EQ(applied(settings, shape, image, 1, 5), applied(settings, shape, image, 1, 5));
  EXPECT_NE(applied(settings, shape, image, 1, 5), applied(settings, shape, image, 1, 6));
}

TEST(Augment, SettingsAreRead) {
  Recipe recipe = Recipe::from_text("rotate_degrees = 10\nflip = true", "recipe.toml");
  const AugmentSettings settings = read_augment(recipe.root());
  EXPECT_EQ(settings.rotate_degrees, 10);
  EXPECT_TRUE(settings.flip);
  EXPECT_EQ(settings.shear, 0);
  Recipe wrong = Recipe::from_text("rotate_degrees = 200", "recipe.toml");
  expect_error(ErrorKind::recipe, "rotate_degrees", [&] { read_augment(wrong.root()); });
  Recipe unknown = Recipe::from_text("rotate = 2", "recipe.toml");
  expect_error(ErrorKind::recipe, "rotate", [&] { read_augment(unknown.root()); });
}

TEST(MeasureScaling, IsMeanAndInverseDeviationOfEachChannel) {
  const TempFolder folder;
  // Two images of two rows of one pixel; channel 0: 1 3 5 7 (mean 4, variance 5); channel 1: 9.
  write_data_file(folder / "a.h5",
                  {.height = 2, .width = 1, .channels = 2, .images = {1, 9, 3, 9, 5, 9, 7, 9}});
  const Dataset data = Dataset::open(folder / "a.h5");
  const InputScaling scaling = measure_scaling(data, std::vector<Index>{0, 1});
  EXPECT_EQ(scaling.mean, (std::vector<float>{4, 9}));
  EXPECT_FLOAT_EQ(scaling.scale[0], 1 / std::sqrt(5.0F));
  EXPECT_EQ(scaling.scale[1], 1.0F);
  EXPECT_EQ(measure_scaling(data, std::vector<Index>{1}).mean[0], 6.0F);
  write_data_file(folder / "b.h5", {.vectors = {5, 6, 7, 8}});
  const InputScaling same = measure_scaling(Dataset::open(folder / "b.h5"), std::vector<Index>{0});
  EXPECT_EQ(same.mean, (std::vector<float>{0, 0}));
  EXPECT_EQ(same.scale, (std::vector<float>{1, 1}));
}

}  // namespace
}  // namespace kindred
