#pragma once
#include <string>
#include <vector>

#include "curves/loss_curves.h"

namespace kindred::tools {

/// The curves as one picture (SVG), a panel a loss, for light and dark pages.
std::string draw_curves(const std::vector<LossCurves>& losses);

}  // namespace kindred::tools
