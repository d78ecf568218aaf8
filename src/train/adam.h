#pragma once
#include <memory>

#include "kindred/train/optimizer.h"

namespace kindred {
std::unique_ptr<Optimizer> make_adam(Section section, const ParameterTable& table);
std::unique_ptr<Optimizer> make_adamw(Section section, const ParameterTable& table);
}  // namespace kindred
