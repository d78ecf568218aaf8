#include "data/import/import_list_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "data/text/list_columns.h"
#include "data/text/split_names.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr std::size_t kLookedAt = 200;  // rows

using Words = std::string_view;
constexpr std::array<Words, 26> kPaths{
    "path",      "imagepath", "filepath", "filepaths", "imgpath", "filename", "imagefilename",
    "imagename", "imagefile", "file",     "image",     "img",     "imageid",  "imgname",
    "imgid",     "picture",   "photo",    "fname",     "relpath", "imageurl", "fileid",
    "uri",       "sample",    "name",     "images",    "id"};
constexpr std::array<Words, 24> kLabels{
    "label",        "labels",    "class",     "classname",  "classlabel",   "category",
    "categoryname", "labelname", "identity",  "person",     "personid",     "pid",
    "species",      "breed",     "target",    "targets",    "classid",      "labelid",
    "categoryid",   "itemid",    "productid", "landmarkid", "individualid", "id"};
constexpr std::array<Words, 9> kSplits{"split",     "set",   "subset", "partition", "dataset",
                                       "datasplit", "phase", "usage",  "fold"};

bool is_split(std::string_view field) {
  const auto number = whole_value(field);
  return (number && *number >= 0 && *number <= 2) || split_named(std::string(field)).has_value();
}

class Finder {
 public:
  Finder(const ListText& list, FunctionRef<bool(std::string_view name)> is_image)
      : list_(list), is_image_(is_image), rows_(std::min(list.size(), kLookedAt + 1)) {}

  ImportListColumns find(const std::string& label) {
    if (list_.columns() < 2) {
      list_.refuse(list_[0], fmt::format("has {} field(s); a path and a label are expected, as "
                                         "PATH,LABEL or PATH,LABEL,SPLIT",
                                         list_[0].fields.size()));
    }
    find_path();
    if (list_[0].fields.size() != list_.columns()) {
      list_.refuse(list_[0], fmt::format("has {} fields, most lines have {}; PATH,LABEL or "
                                         "PATH,LABEL,SPLIT is expected",
                                         list_[0].fields.size(), list_.columns()));
    }
    find_split();
    find_label(label);
    if (!list_.dialect().empty()) {
      found_.notes.push_back(fmt::format("{}: {}", list_.where(), list_.dialect()));
    }
    std::vector<std::string> others;
    for (std::size_t k = 0; k < list_.columns(); ++k) {
      if (k != found_.path && k != found_.label && k != found_.split) others.push_back(name_of(k));
    }
    found_.notes.push_back(
        fmt::format("{}: paths are {}, labels {}{}{}{}", list_.where(), name_of(found_.path),
                    name_of(found_.label), found_.split ? ", splits " + name_of(*found_.split) : "",
                    found_.header ? "" : "; no header",
                    others.empty() ? "" : fmt::format("; not read: {}", fmt::join(others, ", "))));
    return std::move(found_);
  }

 private:
  bool has(std::size_t row, std::size_t column) const { return column < list_[row].fields.size(); }
  std::string_view field(std::size_t row, std::size_t column) const { return list_[row][column]; }
  std::string name_of(std::size_t column) const {
    if (!found_.header) return fmt::format("column {}", column + 1);
    return fmt::format("column {} ('{}')", column + 1, field(0, column));
  }
  int named(std::span<const Words> words) const {
    if (!found_.header || list_[0].fields.size() != list_.columns()) return -1;
    return find_column(list_[0].fields, words);
  }

  /// How much a column is like paths, by the rows behind the first: a name that is found counts,
  /// and one that looks like a file's twice, for a class may be called as a file is ("1" of
  /// "1.jpg").
  std::size_t likeness(std::size_t column) const {
    std::size_t likeness = 0;
    for (std::size_t row = list_.size() == 1 ? 0 : 1; row < rows_; ++row) {
      if (!has(row, column)) continue;
      likeness += is_image_(field(row, column)) ? 1U : 0U;
      likeness += looks_like_path(field(row, column)) ? 2U : 0U;
    }
    return likeness;
  }

  // The first row is a header where it names a column as headers do, or where its path is none
  // although those of other rows are.
  void find_path() {
    std::size_t best = 0;
    std::size_t most = 0;
    for (std::size_t k = 0; k < list_.columns(); ++k) {
      const std::size_t own = likeness(k);
      if (own > most) {
        most = own;
        best = k;
      }
    }
    const std::span<const std::string_view> first = list_[0].fields;
    const bool first_is_image = best < first.size() && is_image_(first[best]);
    const bool words = find_column(first, kPaths) >= 0 || find_column(first, kLabels) >= 0 ||
                       find_column(first, kSplits) >= 0;
    const bool names_a_file = best < first.size() && looks_like_path(first[best]);
    found_.header = !first_is_image && (words || (most > 0 && !names_a_file && !has_class(best)));
    const int by_name = named(kPaths);
    if (by_name >= 0 && (most == 0 || likeness(static_cast<std::size_t>(by_name)) > 0)) {
      best = static_cast<std::size_t>(by_name);
    }
    found_.path = best;
  }

  // Whether a field of the first row comes again in its column, as classes do and headers do not.
  bool has_class(std::size_t path) const {
    for (std::size_t k = 0; k < list_[0].fields.size(); ++k) {
      for (std::size_t row = 1; k != path && row < rows_; ++row) {
        if (has(row, k) && field(row, k) == field(0, k)) return true;
      }
    }
    return false;
  }

  static bool looks_like_path(std::string_view text) {
    const std::size_t dot = text.rfind('.');
    return dot != text.npos && dot > 0 && text.size() - dot >= 4 && text.size() - dot <= 5;
  }

  bool all_splits(std::size_t column) const {
    for (std::size_t row = found_.header ? 1 : 0; row < list_.size(); ++row) {
      if (!has(row, column) || !is_split(field(row, column))) return false;
    }
    return list_.size() > (found_.header ? 1U : 0U);
  }
  bool all_words(std::size_t column) const {
    for (std::size_t row = found_.header ? 1 : 0; row < list_.size(); ++row) {
      if (!has(row, column) || !split_named(std::string(field(row, column)))) return false;
    }
    return list_.size() > (found_.header ? 1U : 0U);
  }

  void find_split() {
    const int by_name = named(kSplits);
    if (by_name >= 0 && static_cast<std::size_t>(by_name) != found_.path) {
      // "fold" and "set" may be numbers of their own.
      if (all_splits(static_cast<std::size_t>(by_name)) ||
          column_key(field(0, static_cast<std::size_t>(by_name))) == "split") {
        found_.split = static_cast<std::size_t>(by_name);
      }
      return;
    }
    if (list_.columns() < 3) return;
    for (std::size_t k = 0; k < list_.columns(); ++k) {
      if (k != found_.path && all_words(k)) {
        found_.split = k;
        return;
      }
    }
    // PATH,LABEL,SPLIT with numbers, as we write it; a header would have said so.
    if (found_.header || list_.columns() != 3 || found_.path != 0) return;
    if (all_splits(2)) {
      found_.split = 2;
    } else if (split_words_in(2)) {
      for (std::size_t row = 0; row < list_.size(); ++row) {
        if (has(row, 2) && is_split(field(row, 2))) continue;
        list_.refuse(list_[row], fmt::format("'{}' is no split (train, validation, test)",
                                             has(row, 2) ? field(row, 2) : ""));
      }
    }
  }

  bool split_words_in(std::size_t column) const {
    for (std::size_t row = 0; row < rows_; ++row) {
      if (has(row, column) && split_named(std::string(field(row, column)))) return true;
    }
    return false;
  }

  void find_label(const std::string& asked) {
    std::vector<std::size_t> left;
    for (std::size_t k = 0; k < list_.columns(); ++k) {
      if (k != found_.path && k != found_.split) left.push_back(k);
    }
    int label = -1;
    if (!asked.empty()) {
      const std::array<std::string, 1> keys{column_key(asked)};
      const std::array<Words, 1> words{keys[0]};
      label = named(words);
      if (label < 0) {
        list_.refuse(list_[0], fmt::format("no column is called '{}'", asked));
      }
    } else if (left.size() == 1) {
      label = static_cast<int>(left[0]);
    } else {
      for (const Words word : kLabels) {
        for (const std::size_t k : left) {
          if (label < 0 && found_.header && column_key(field(0, k)) == word) {
            label = static_cast<int>(k);
          }
        }
      }
    }
    if (label < 0) {
      std::vector<std::string> names;
      for (const std::size_t k : left) names.push_back(name_of(k));
      list_.refuse(list_[0],
                   fmt::format("{} could all be the labels; {}", fmt::join(names, ", "),
                               found_.header ? "say which: --labels NAME"
                                             : "name the columns in a first line, as path,label"));
    }
    found_.label = static_cast<std::size_t>(label);
    found_.label_name = found_.header ? std::string(field(0, found_.label)) : name_of(found_.label);
  }

  const ListText& list_;
  FunctionRef<bool(std::string_view name)> is_image_;
  std::size_t rows_;
  ImportListColumns found_;
};

}  // namespace

ImportListColumns find_list_columns(const ListText& list, const std::string& label,
                                    FunctionRef<bool(std::string_view name)> is_image) {
  return Finder(list, is_image).find(label);
}

}  // namespace kindred
