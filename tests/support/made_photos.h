#pragma once
// Pictures of shapes that stand for photographs: what is told apart is the shape alone. Colours,
// place, angle, size and background are random, so that pixels as they are say next to nothing.
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "kindred/core/random.h"
#include "support/png_file.h"

namespace kindred::test {

/// Names of the shapes; of the first so many are pictures made.
inline constexpr std::array kShapes{"arrow", "bar",   "crescent", "cross", "disc", "fork",
                                    "gate",  "heart", "ring",     "stair", "star", "triangle"};

/// Whether (x, y) is within a shape of radius 1 about (0, 0), y downwards.
inline bool is_in_shape(std::size_t shape, double x, double y) {
  const double r = std::hypot(x, y);
  const auto in_box = [&](double left, double top, double right, double bottom) {
    return x >= left && x <= right && y >= top && y <= bottom;
  };
  switch (shape) {
    case 0:  // arrow: a head and a shaft
      return (y < 0 && y > -0.95 && std::abs(x) < 0.85 * (y + 0.95)) ||
             in_box(-0.22, 0, 0.22, 0.95);
    case 1: return in_box(-0.95, -0.25, 0.95, 0.25);
    case 2:  // crescent
      return r < 0.95 && std::hypot(x - 0.5, y) > 0.8;
    case 3: return in_box(-0.95, -0.28, 0.95, 0.28) || in_box(-0.28, -0.95, 0.28, 0.95);
    case 4: return r < 0.85;
    case 5:  // fork: a Y of three arms
      for (int arm = 0; arm < 3; ++arm) {
        const double angle = 2 * std::numbers::pi / 3 * arm;
        const double along = x * std::sin(angle) + y * std::cos(angle);
        const double across = x * std::cos(angle) - y * std::sin(angle);
        if (along > -0.1 && along < 0.95 && std::abs(across) < 0.2) return true;
      }
      return false;
    case 6:  // gate: a U upside down
      return in_box(-0.8, -0.8, 0.8, 0.8) && !in_box(-0.38, -0.38, 0.38, 0.81);
    case 7: {  // heart
      const double a = 1.25 * x;
      const double b = -1.25 * y;
      const double c = a * a + b * b - 1;
      return c * c * c - a * a * b * b * b < 0;
    }
    case 8: return r < 0.95 && r > 0.55;
    case 9:  // stair: three squares
      return in_box(-0.7, -0.7, 0, 0.7) || in_box(-0.7, 0, 0.7, 0.7);
    case 10: {  // star of five
      const double turn = 2 * std::numbers::pi / 5;
      const double angle = std::remainder(std::atan2(x, -y), turn);
      return r * std::cos(std::abs(angle) - turn) < 0.31;
    }
    default: return y < 0.5 && std::abs(x) < 0.58 * (y + 1);
  }
}

/// One PNG of side x side pixels. Equal arguments give equal bytes.
inline std::string photo_of(std::size_t shape, Index number, Index side = 64) {
  Random random(7, Purpose::test, shape, static_cast<std::uint64_t>(number));
  const auto uniform = [&](double low, double high) {
    return low + (high - low) * random.uniform();
  };
  using Colour = std::array<double, 3>;
  const auto colour = [&] { return Colour{uniform(0, 255), uniform(0, 255), uniform(0, 255)}; };
  const auto apart = [](const Colour& a, const Colour& b) {
    return std::abs(a[0] - b[0]) + std::abs(a[1] - b[1]) + std::abs(a[2] - b[2]);
  };
  const Colour from = colour();
  const Colour to = colour();
  Colour ink = colour();
  while (apart(ink, from) < 200 || apart(ink, to) < 200) ink = colour();
  const double radius = uniform(0.24, 0.36);
  const double center_x = uniform(radius, 1 - radius);
  const double center_y = uniform(radius, 1 - radius);
  const double angle = uniform(0, 2 * std::numbers::pi);
  const double slope = uniform(0, 2 * std::numbers::pi);  // of the background
  std::string rows;
  for (Index row = 0; row < side; ++row) {
    rows += '\0';  // no filter
    for (Index col = 0; col < side; ++col) {
      int inside = 0;
      constexpr int kSteps = 3;  // a side of a pixel
      for (int i = 0; i < kSteps * kSteps; ++i) {
        const double x =
            (static_cast<double>(col) + (i % kSteps + 0.5) / kSteps) / static_cast<double>(side);
        const double y =
            (static_cast<double>(row) + (i / kSteps + 0.5) / kSteps) / static_cast<double>(side);
        const double a = (x - center_x) / radius;
        const double b = (y - center_y) / radius;
        inside += is_in_shape(shape, a * std::cos(angle) + b * std::sin(angle),
                              b * std::cos(angle) - a * std::sin(angle));
      }
      const double share = static_cast<double>(inside) / (kSteps * kSteps);
      const double x = static_cast<double>(col) / static_cast<double>(side) - 0.5;
      const double y = static_cast<double>(row) / static_cast<double>(side) - 0.5;
      const double t = 0.5 + 0.6 * (x * std::cos(slope) + y * std::sin(slope));
      for (std::size_t c = 0; c < 3; ++c) {
        const double behind = from[c] + (to[c] - from[c]) * t;
        const double value = share * ink[c] + (1 - share) * behind + uniform(-12, 12);
        rows += static_cast<char>(static_cast<std::uint8_t>(std::min(255.0, std::max(0.0, value))));
      }
    }
  }
  return png(static_cast<std::uint32_t>(side), static_cast<std::uint32_t>(side), 8, 2, rows);
}

/// Pictures `first` to `first + count` of each of so many shapes, by their names: "star/12.png".
inline std::vector<std::pair<std::string, std::string>> made_photos(std::size_t shapes, Index first,
                                                                    Index count, Index side = 64) {
  std::vector<std::pair<std::string, std::string>> files;
  for (std::size_t shape = 0; shape < shapes; ++shape) {
    for (Index i = first; i < first + count; ++i) {
      files.emplace_back(std::string(kShapes[shape]) + "/" + std::to_string(i) + ".png",
                         photo_of(shape, i, side));
    }
  }
  return files;
}

}  // namespace kindred::test
