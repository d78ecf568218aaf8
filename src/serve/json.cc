#include "serve/json.h"

#include <array>
#include <charconv>
#include <cmath>

namespace kindred::serve {

std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json json_number(float value) {
  if (!std::isfinite(value)) return nullptr;
  std::array<char, 32> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  double shortest = 0;
  std::from_chars(digits.data(), written.ptr, shortest);
  return shortest;
}

}  // namespace kindred::serve
