#pragma once
#include <string>

namespace kindred::tools {

/// 1234567.8 as "1,234,568"; below 100 with decimals.
std::string grouped(double number);

}  // namespace kindred::tools
