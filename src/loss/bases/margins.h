#pragma once
#include "loss/bases/cross_entropy_head.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

// What margin losses put in the place of the cosine c = cos θ with the own class, and its
// derivative by c. The derivative by θ over sin θ grows without bound towards θ = 0 and π; sin θ
// counts as at least the square root of the rounding unit there, so that all stays finite.

/// cos(θ + margin) while θ <= π − margin, beyond it c − margin sin margin: lower for a wider angle
/// everywhere. With `easy`: cos(θ + margin) where c > 0, else c.
/// Source: Deng et al. 2019, ArcFace.
Derived arc_margin(double cosine, double margin, bool easy);

/// (−1)^k cos φ − 2k with φ = factor · θ + shift and k = ⌊φ / π⌋: the cosine of a multiple of
/// the angle, made to fall over the whole range.
/// Source: Liu et al. 2017, SphereFace.
Derived multiplied_angle(double cosine, double factor, double shift);

}  // namespace KINDRED_SCALAR
}  // namespace kindred
