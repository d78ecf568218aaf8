#include "bench/bench_numbers.h"

#include <fmt/format.h>

#include <cmath>

namespace kindred::tools {

std::string grouped(double number) {
  if (std::abs(number) < 100) return fmt::format("{:.3g}", number);
  std::string digits = fmt::format("{:.0f}", number);
  const std::size_t sign = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > sign + 3;) digits.insert(at -= 3, ",");
  return digits;
}

}  // namespace kindred::tools
