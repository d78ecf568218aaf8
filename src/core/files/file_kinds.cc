#include "kindred/core/file_kinds.h"

#include <algorithm>
#include <cctype>

#include "kindred/core/file.h"

namespace kindred {
namespace {

constexpr std::size_t kBeginning = 256;

/// In lower case, without space before it.
std::string beginning(const std::string& path) {
  std::string text = beginning_of_file(path, kBeginning);
  const auto is_space = [](unsigned char c) { return std::isspace(c) != 0; };
  text.erase(text.begin(), std::ranges::find_if_not(text, is_space));
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

const FileKind kJsonFile{"JSON", [](const std::string& path) {
                           const std::string text = beginning(path);
                           return text.starts_with('{') || text.starts_with('[');
                         }};
const FileKind kPngFile{"a PNG picture", [](const std::string& path) {
                          return beginning_of_file(path, 8) == "\x89PNG\r\n\x1a\n";
                        }};
const FileKind kHtmlFile{"an HTML page", [](const std::string& path) {
                           const std::string text = beginning(path);
                           return text.starts_with("<!doctype html") || text.starts_with("<html");
                         }};
const FileKind kSvgFile{"an SVG picture", [](const std::string& path) {
                          return beginning(path).find("<svg") != std::string::npos;
                        }};

}  // namespace kindred
