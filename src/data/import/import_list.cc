#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <unordered_map>

#include "data/import/import_formats.h"
#include "data/import/import_names.h"
#include "data/text/split_names.h"
#include "data/text/text_lines.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

constexpr Index kLongestList = Index{1} << 32;

/// Images on disk by their paths; a place is an index of them.
class PathImages final : public ImportImages {
 public:
  explicit PathImages(std::vector<std::string> paths) : paths_(std::move(paths)) {}
  void visit(std::span<const Index> wanted,
             FunctionRef<bool(Index place, FileContent content)> take) const override {
    for (const Index place : wanted) {
      if (!take(place, {})) return;
    }
  }
  Image decode(Index place, std::span<const std::byte> /*bytes*/) const override {
    return decode_image(read_file(where(place), SourceFiles::kMostFileBytes), where(place));
  }
  std::string where(Index place) const override { return paths_[static_cast<std::size_t>(place)]; }

 private:
  std::vector<std::string> paths_;
};

bool is_list(const SourceFile& file) {
  return !file.path.empty() && (file.name.ends_with(".csv") || file.name.ends_with(".tsv"));
}

// Fields may stand in double quotes; a quote inside them is doubled.
std::vector<std::string> split_line(std::string_view line, char separator) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == separator && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

bool is_header(const std::vector<std::string>& fields) {
  constexpr std::array<std::string_view, 6> kNames{"path", "file",  "filename",
                                                   "name", "image", "image_path"};
  return std::find(kNames.begin(), kNames.end(), fields[0]) != kNames.end();
}

std::optional<std::uint8_t> split_of_field(const std::string& field) {
  const auto number = whole_number(field);
  if (number && *number >= 0 && *number <= 2) return static_cast<std::uint8_t>(*number);
  return split_named(field);
}

}  // namespace

bool detect_list(const SourceFiles& files) {
  return !files.files().empty() && is_list(files[0]) && files[0].source == 0 &&
         files[0].path == files.sources()[0];
}

// PATH,LABEL[,SPLIT] a line; paths are names in the sources that follow the list, or relative to
// the list's folder where none do. Labels are numbers (and kept) or names.
ImportPlan plan_list(const SourceFiles& files, const ImportOptions& /*options*/) {
  if (!detect_list(files)) {
    fail(ErrorKind::data, fmt::format("{}: is no list; name a .csv or .tsv of PATH,LABEL[,SPLIT] "
                                      "first",
                                      files.sources()[0]));
  }
  const SourceFile& list = files[0];
  const std::vector<std::byte> bytes = files.content(0, kLongestList);
  const std::vector<TextLine> lines =
      lines_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const bool elsewhere = files.sources().size() > 1;
  std::unordered_map<std::string, Index> place_of;
  for (Index i = 1; i < static_cast<Index>(files.files().size()); ++i) place_of[files[i].name] = i;
  ImportPlan plan;
  plan.source = names_of(files);
  plan.numbered = true;
  const char separator = list.name.ends_with(".tsv") ? '\t' : ',';
  const std::filesystem::path folder = std::filesystem::path(list.path).parent_path();
  std::vector<std::string> paths;
  for (const TextLine& line : lines) {
    const std::vector<std::string> fields = split_line(line.text, separator);
    if (&line == &lines[0] && is_header(fields)) continue;
    const auto refuse = [&](const std::string& why) {
      fail(ErrorKind::data, fmt::format("{}: line {}: {}", list.where, line.number, why));
    };
    if (fields.size() < 2 || fields.size() > 3 || fields[0].empty() || fields[1].empty()) {
      refuse(
          fmt::format("has {} fields; PATH,LABEL or PATH,LABEL,SPLIT is expected", fields.size()));
    }
    ImportItem item;
    item.path = fields[0];
    item.class_name = fields[1];
    const auto label = whole_number(fields[1]);
    item.label = label.value_or(-1);
    plan.numbered = plan.numbered && label && *label >= 0;
    if (fields.size() == 3) {
      const auto split = split_of_field(fields[2]);
      if (!split) refuse(fmt::format("'{}' is no split (train, validation, test)", fields[2]));
      item.split = *split;
    }
    if (elsewhere) {
      const auto place = place_of.find(fields[0]);
      if (place == place_of.end()) {
        refuse(fmt::format("'{}' is in none of the sources", fields[0]));
      }
      item.place = place->second;
    } else {
      item.place = static_cast<Index>(paths.size());
      paths.push_back((folder / fields[0]).string());
    }
    plan.items.push_back(std::move(item));
  }
  if (plan.items.empty()) fail(ErrorKind::data, fmt::format("{}: names no images", list.where));
  for (ImportItem& item : plan.items) {
    if (plan.numbered) item.class_name.clear();
    if (!plan.numbered) item.label = -1;
  }
  plan.images = elsewhere ? images_in_files(files) : std::make_unique<PathImages>(std::move(paths));
  return plan;
}

}  // namespace kindred
