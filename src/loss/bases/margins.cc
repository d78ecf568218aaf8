#include "loss/bases/margins.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

double sine_of(double cosine) { return std::sqrt(std::max(0.0, 1 - cosine * cosine)); }

double bounded(double sine) {
  static const double least =
      std::sqrt(static_cast<double>(std::numeric_limits<Scalar>::epsilon()));
  return std::max(sine, least);
}

}  // namespace

Derived arc_margin(double cosine, double margin, bool easy) {
  const double c = std::clamp(cosine, -1.0, 1.0);
  const bool turned = easy ? c > 0 : c >= std::cos(std::numbers::pi - margin);
  if (!turned) return {easy ? c : c - margin * std::sin(margin), 1};
  const double sine = sine_of(c);
  return {c * std::cos(margin) - sine * std::sin(margin),
          std::cos(margin) + c / bounded(sine) * std::sin(margin)};
}

Derived multiplied_angle(double cosine, double factor, double shift) {
  const double c = std::clamp(cosine, -1.0, 1.0);
  const double angle = factor * std::acos(c) + shift;
  const double k = std::floor(angle / std::numbers::pi);
  const double sign = std::fmod(k, 2) == 0 ? 1 : -1;
  return {sign * std::cos(angle) - 2 * k, sign * std::sin(angle) * factor / bounded(sine_of(c))};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
