#include "data/import_names.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace kindred {
namespace {

std::string small(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

std::optional<std::uint8_t> split_named(const std::string& name) {
  const std::string text = small(name);
  if (text == "train" || text == "training") return std::uint8_t{0};
  if (text == "val" || text == "valid" || text == "validation") return std::uint8_t{1};
  if (text == "test" || text == "testing") return std::uint8_t{2};
  return std::nullopt;
}

std::optional<std::uint8_t> split_in_name(const std::string& name) {
  const std::string text = small(name);
  if (text.find("train") != text.npos) return std::uint8_t{0};
  if (text.find("val") != text.npos) return std::uint8_t{1};
  if (text.find("test") != text.npos || text.find("t10k") != text.npos) return std::uint8_t{2};
  return std::nullopt;
}

std::string source_stem(const SourceFiles& files, Index source) {
  const std::filesystem::path path(files.sources()[static_cast<std::size_t>(source)]);
  const std::string name = (path.has_filename() ? path : path.parent_path()).filename().string();
  return name.substr(0, name.find('.'));
}

std::string last_part(const std::string& name) { return name.substr(name.rfind('/') + 1); }

}  // namespace kindred
