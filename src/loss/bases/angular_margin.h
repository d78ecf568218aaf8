#pragma once
#include <memory>

#include "loss/bases/cross_entropy_head.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// ArcFace with `sub_centers` centers a class: reads the keys that all its forms have (scale,
/// margin, easy_margin, learning_rate_factor, class_share) and makes the loss.
std::unique_ptr<Loss> make_angular_margin(Section section, const LossContext& context,
                                          ParameterTable& table, Index sub_centers);

}  // namespace KINDRED_SCALAR
}  // namespace kindred
