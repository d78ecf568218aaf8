#include "wrapped.h"

#include <algorithm>
#include <sstream>

namespace kindred::tools {
namespace {

// Code points.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string wrapped(const std::string& text, std::size_t columns, const std::string& indent,
                    const std::string& further) {
  std::string all;
  std::string line = indent;
  bool empty = true;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!empty && width_of(line) + 1 + width_of(word) > columns) {
      all += line + "\n";
      line = further.empty() ? indent : further;
      empty = true;
    }
    line += (empty ? "" : " ") + word;
    empty = false;
  }
  return all + line + "\n";
}

}  // namespace kindred::tools
