#pragma once
#include <memory>

#include "kindred/train/optimizer.h"

namespace kindred {
std::unique_ptr<Optimizer> make_sgd(Section section, const ParameterTable& table);
}
