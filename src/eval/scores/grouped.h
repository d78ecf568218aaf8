#pragma once
#include <string>

#include "kindred/core/index.h"

namespace kindred {

/// A whole number >= 0 with its thousands set apart: "13,180".
inline std::string grouped(Index number) {
  std::string text = std::to_string(number);
  for (Index place = static_cast<Index>(text.size()) - 3; place > 0; place -= 3) {
    text.insert(static_cast<std::size_t>(place), ",");
  }
  return text;
}

}  // namespace kindred
