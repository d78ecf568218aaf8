#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "data/import/import_formats.h"
#include "data/import/import_list_columns.h"
#include "data/import/import_names.h"
#include "data/labels/class_labels.h"
#include "data/text/list_columns.h"
#include "data/text/path_index.h"
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
  std::vector<std::byte> file(Index place) const override {
    return read_file(where(place), SourceFiles::kMostFileBytes);
  }
  Image decode(Index place, std::span<const std::byte> bytes, int bits) const override {
    return decode_image(bytes, where(place), bits);
  }
  std::string where(Index place) const override { return paths_[static_cast<std::size_t>(place)]; }

 private:
  std::vector<std::string> paths_;
};

bool is_list(const SourceFile& file) {
  const std::string name = lower_case(file.name);
  return !file.path.empty() && (name.ends_with(".csv") || name.ends_with(".tsv"));
}

/// Where a list's images are: in the sources that follow it, or around it on disk.
class ListedFiles {
 public:
  explicit ListedFiles(const SourceFiles& files)
      : files_(files), elsewhere_(files.sources().size() > 1) {
    folder_ = std::filesystem::path(files[0].path).parent_path();
    if (elsewhere_) index_names(files);
  }

  bool knows(std::string_view name) {
    return elsewhere_ ? index_->find(name) >= 0 : path_of(name).second >= 0;
  }

  /// A place for images(), or PathIndex's numbers where there is none.
  Index find(std::string_view name) {
    if (elsewhere_) return index_->find(name);
    const auto [path, found] = path_of(name);
    if (found == PathIndex::kAmbiguous) return found;
    // One that is not there is told of when it is to be read.
    paths_.push_back(found < 0 ? (folder_ / name_with_slashes(name)).string() : path);
    return static_cast<Index>(paths_.size()) - 1;
  }
  void forget() {
    if (index_) index_->forget();
  }
  bool guessed() const { return index_ && index_->guessed(); }

  std::unique_ptr<ImportImages> images() {
    if (elsewhere_) return images_in_files(files_);
    return std::make_unique<PathImages>(std::move(paths_));
  }

 private:
  static std::string name_with_slashes(std::string_view name) {
    std::string result(name);
    std::replace(result.begin(), result.end(), '\\', '/');
    return result;
  }
  // The list itself, and other files, are no images of it.
  void index_names(const SourceFiles& files) {
    std::vector<std::string> names;
    for (const SourceFile& file : files.files()) {
      names.push_back(is_image_name(file.name) ? file.name : "");
    }
    index_.emplace(names);
  }
  // The path on disk, and a number below 0 where there is none.
  std::pair<std::string, Index> path_of(std::string_view name) {
    std::error_code ignored;
    for (const std::string& path : {std::string(name), name_with_slashes(name)}) {
      const std::filesystem::path whole = folder_ / path;
      if (std::filesystem::is_regular_file(whole, ignored)) return {whole.string(), 0};
    }
    if (!index_) {  // all that lies around it: for other spellings, and names without extension
      const std::string folder = folder_.empty() ? "." : folder_.string();
      around_.emplace(std::vector<std::string>{folder});
      index_names(*around_);
    }
    const Index place = index_->find(name);
    return {place < 0 ? "" : (*around_)[place].path, place};
  }

  const SourceFiles& files_;
  bool elsewhere_;
  std::filesystem::path folder_;
  std::optional<SourceFiles> around_;
  std::optional<PathIndex> index_;
  std::vector<std::string> paths_;
};

// Whole numbers as they are, others by name. "007" is a name: as a number it would be 7.
LabelValues values_of(const std::vector<std::string>& texts, const std::string& where,
                      const std::string& name) {
  LabelValues values{.where = where, .name = name};
  bool fractions = false;
  for (const std::string& text : texts) {
    const auto whole = whole_value(text);
    const bool plain = whole && (text == std::to_string(*whole) || text.find('.') != text.npos);
    if (!plain) {
      fractions = fractions || (real_value(text) && !whole && text.find('.') != text.npos);
      values.whole.clear();
      break;
    }
    values.whole.push_back(*whole);
  }
  if (!values.whole.empty()) return values;
  const bool numbers = fractions && std::all_of(texts.begin(), texts.end(), [](const auto& text) {
                         return real_value(text).has_value();
                       });
  if (numbers) {
    for (const std::string& text : texts) values.reals.push_back(*real_value(text));
    return values;
  }
  values.texts = texts;
  return values;
}

std::optional<std::uint8_t> split_of_field(std::string_view field) {
  const auto number = whole_value(field);
  if (number && *number >= 0 && *number <= 2) return static_cast<std::uint8_t>(*number);
  return split_named(std::string(field));
}

}  // namespace

bool detect_list(const SourceFiles& files) {
  return !files.files().empty() && is_list(files[0]) && files[0].source == 0 &&
         files[0].path == files.sources()[0];
}

// A line for each image: its path, its label and perhaps its split. Paths are names in the sources
// that follow the list, or relative to the list's folder where none do.
ImportPlan plan_list(const SourceFiles& files, const ImportOptions& options) {
  // Named as a list, it may be called anything.
  if (files.files().empty() || files[0].path != files.sources()[0]) {
    fail(ErrorKind::data, fmt::format("{}: is no list; name a .csv or .tsv of PATH,LABEL[,SPLIT] "
                                      "first",
                                      files.sources()[0]));
  }
  const ListText list(files.content(0, kLongestList), files[0].where);
  if (list.size() == 0) fail(ErrorKind::data, fmt::format("{}: names no images", list.where()));
  ListedFiles listed(files);
  ImportPlan plan;
  plan.source = names_of(files);
  const ImportListColumns columns = find_list_columns(
      list, options.labels, [&](std::string_view name) { return listed.knows(name); });
  listed.forget();  // what was tried for columns that are no paths
  plan.notes = columns.notes;
  std::vector<std::string> labels;
  std::string first_missing;
  Index missing = 0;
  for (std::size_t i = columns.header ? 1 : 0; i < list.size(); ++i) {
    const ListRow row = list[i];
    list.expect_all_fields(row);
    const std::string_view name = row[columns.path];
    if (name.empty() || row[columns.label].empty()) {
      list.refuse(row, name.empty() ? "names no image" : "gives no label");
    }
    ImportItem item;
    item.path = std::string(name);
    std::replace(item.path.begin(), item.path.end(), '\\', '/');
    if (columns.split) {
      const auto split = split_of_field(row[*columns.split]);
      if (!split) {
        list.refuse(row,
                    fmt::format("'{}' is no split (train, validation, test)", row[*columns.split]));
      }
      item.split = *split;
    }
    item.place = listed.find(name);
    if (item.place == PathIndex::kAmbiguous) {
      list.refuse(row,
                  fmt::format("'{}' may be several images; name them by their whole path", name));
    }
    if (item.place < 0) {
      if (missing++ == 0) first_missing = fmt::format("'{}' (line {})", name, row.line);
      continue;
    }
    labels.emplace_back(row[columns.label]);
    plan.items.push_back(std::move(item));
  }
  if (missing > 0) {
    fail(ErrorKind::data,
         fmt::format("{}: {} of the {} images it names are in none of the sources, the first is {}",
                     list.where(), missing, missing + static_cast<Index>(plan.items.size()),
                     first_missing));
  }
  if (plan.items.empty()) fail(ErrorKind::data, fmt::format("{}: names no images", list.where()));
  if (listed.guessed()) {
    plan.notes.push_back(fmt::format(
        "{}: images are found by the end of their path, or without its extension", list.where()));
  }
  set_labels(plan, {values_of(labels, list.where(), columns.label_name)}, options);
  plan.images = listed.images();
  return plan;
}

}  // namespace kindred
