#include "data/text/split_names.h"

#include "data/text/text_lines.h"

namespace kindred {

std::optional<std::uint8_t> split_named(const std::string& name) {
  const std::string text = lower_case(name);
  if (text == "train" || text == "training") return std::uint8_t{0};
  if (text == "val" || text == "valid" || text == "validation") return std::uint8_t{1};
  if (text == "test" || text == "testing") return std::uint8_t{2};
  return std::nullopt;
}

std::optional<std::uint8_t> split_in_name(const std::string& name) {
  const std::string text = lower_case(name);
  if (text.find("train") != text.npos) return std::uint8_t{0};
  if (text.find("val") != text.npos) return std::uint8_t{1};
  if (text.find("test") != text.npos || text.find("t10k") != text.npos) return std::uint8_t{2};
  return std::nullopt;
}

}  // namespace kindred
