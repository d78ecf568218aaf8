#include "data/import/import_names.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <vector>

#include "data/archive/archive.h"
#include "data/image/image.h"
#include "data/text/text_lines.h"

namespace kindred {

std::string source_stem(const SourceFiles& files, Index source) {
  const std::filesystem::path path(files.sources()[static_cast<std::size_t>(source)]);
  const std::string name = (path.has_filename() ? path : path.parent_path()).filename().string();
  return name.substr(0, name.find('.'));
}

std::string names_of(const SourceFiles& files) {
  std::vector<std::string> names;
  for (const std::string& source : files.sources()) {
    const std::filesystem::path path(source);
    names.push_back((path.has_filename() ? path : path.parent_path()).filename().string());
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string last_part(const std::string& name) { return name.substr(name.rfind('/') + 1); }

std::string why_no_image(const std::string& name) {
  const std::string_view kind = unread_kind_of_name(name);
  if (!kind.empty()) return fmt::format("is of a kind that is not read ({})", kind);
  if (is_archive_name(lower_case(name)))
    return "is an archive inside of a source, which is not opened";
  return "is no image file";
}

std::string unread_images(const SourceFiles& files) {
  std::map<std::string_view, Index> counts;
  for (const SourceFile& file : files.files()) {
    const std::string_view kind = unread_kind_of_name(file.name);
    if (!kind.empty()) ++counts[kind];
  }
  if (counts.empty()) return "";
  std::string list;
  for (const auto& [kind, count] : counts) {
    list += fmt::format("{}{} {}", list.empty() ? "" : ", ", kind, count);
  }
  return fmt::format("images of kinds that are not read: {}; convert them to PNG or JPEG", list);
}

}  // namespace kindred
