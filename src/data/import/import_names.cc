#include "data/import/import_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <vector>

#include "data/archive/archive.h"
#include "data/image/image.h"
#include "data/text/mistaken_file.h"
#include "data/text/text_lines.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

constexpr Index kLookedInto = 100;  // files whose kind is told by their first bytes

}  // namespace

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

std::string counts_of_reasons(const std::vector<std::string>& left_out) {
  std::map<std::string, Index> counts;
  for (const std::string& text : left_out) {
    const std::size_t colon = text.rfind(": ");
    ++counts[colon == text.npos ? text : text.substr(colon + 2)];
  }
  std::string list;
  for (const auto& [reason, count] : counts) {
    list += fmt::format("{}{} x {}", list.empty() ? "" : ", ", count, reason);
  }
  return list;
}

std::string what_is_there(const SourceFiles& files) {
  std::map<std::string, Index> counts;
  std::vector<std::string> kinds;  // in the order of what helps most
  const auto count = [&](const std::string& kind) {
    if (counts[kind]++ == 0) kinds.push_back(kind);
  };
  Index looked_into = 0;
  for (const SourceFile& file : files.files()) {
    const std::string_view unread = unread_kind_of_name(file.name);
    if (is_image_name(file.name)) {
      count(file.name.find('/') == file.name.npos ? "picture(s) in no folder of a class"
                                                  : "picture(s)");
    } else if (!unread.empty()) {
      count(fmt::format("{} (not read: convert to PNG or JPEG)", unread));
    } else if (is_archive_name(lower_case(file.name)) && file.path.empty()) {
      count("archive(s) inside of an archive (unpack them first)");
    } else if (!file.path.empty() && looked_into++ < kLookedInto) {
      const MistakenFile kind = mistaken_file(beginning_of_file(file.path, 512), file.path);
      const bool way = !kind.way.empty() && kind.way.find('`') == kind.way.npos;
      count(kind.what + (way ? " (" + kind.way + ")" : ""));
    } else {
      count("other file(s)");
    }
  }
  std::string list;
  for (const std::string& kind : kinds) {
    list += fmt::format("{}{} x {}", list.empty() ? "" : ", ", counts.at(kind), kind);
  }
  if (!files.left_out().empty()) {
    list += (list.empty() ? "" : ", ") + counts_of_reasons(files.left_out());
  }
  if (files.hidden() > 0) {
    list += fmt::format("{}{} x hidden file(s)", list.empty() ? "" : ", ", files.hidden());
  }
  if (counts.contains("picture(s) in no folder of a class")) {
    list +=
        "; put the pictures of each class into a folder of its own, or name a list of them "
        "first: LIST.csv FOLDER";
  }
  if (counts.contains("a text file") && files[0].path == files.sources()[0]) {
    list += "; where the first is a list of pictures, say --format csv";
  }
  return list.empty() ? "they hold no files" : list;
}

Index count_images(const SourceFiles& files) {
  return std::count_if(files.files().begin(), files.files().end(),
                       [](const SourceFile& file) { return is_image_name(file.name); });
}

bool nearly_all_images(const SourceFiles& files, FunctionRef<bool(const SourceFile& file)> fits) {
  Index fit = 0;
  for (const SourceFile& file : files.files()) {
    if (is_image_name(file.name) && fits(file)) ++fit;
  }
  return fit > 0 && fit * 10 >= count_images(files) * 9;
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
