#include "data/embeddings/pair_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "data/text/list_columns.h"
#include "data/text/list_text.h"
#include "data/text/text_encoding.h"

namespace kindred {
namespace {

std::string lfw_name(PairBuilder& builder, const TextLine& line, std::string_view name,
                     std::string_view number) {
  const auto value = whole_number(number);
  if (!value || *value < 0) {
    builder.refuse(line, fmt::format("'{}' is no image number", number));
  }
  return fmt::format("{}_{:04}", name, *value);
}

PairList read_lfw(PairBuilder builder, const std::vector<TextLine>& lines,
                  const std::vector<std::string_view>& header) {
  const std::int64_t folds = header.size() == 2 ? *whole_number(header[0]) : 1;
  const std::int64_t each = *whole_number(header.back());
  const auto found = static_cast<std::int64_t>(lines.size()) - 1;
  if (folds < 1 || each < 1 || folds > found || each > found || folds * each * 2 != found) {
    builder.refuse(lines[0], fmt::format("promises {} folds of {} + {} pairs, but {} lines follow",
                                         folds, each, each, found));
  }
  for (std::int64_t i = 0; i < found; ++i) {
    const TextLine& line = lines[static_cast<std::size_t>(i) + 1];
    const std::vector<std::string_view> fields = fields_of(line.text, " \t");
    const bool same = i / each % 2 == 0;
    if (fields.size() != (same ? 3 : 4)) {
      builder.refuse(line, fmt::format("has {} fields; {} is expected", fields.size(),
                                       same ? "NAME N1 N2" : "NAME1 N1 NAME2 N2"));
    }
    const std::string first = lfw_name(builder, line, fields[0], fields[1]);
    const std::string second = same ? lfw_name(builder, line, fields[0], fields[2])
                                    : lfw_name(builder, line, fields[2], fields[3]);
    builder.add(builder.row_of_name(line, first), builder.row_of_name(line, second), same,
                i / (2 * each));
  }
  return builder.finish(folds > 1);
}

using Words = std::string_view;
constexpr std::array<Words, 16> kFirst{"first", "path1", "image1", "img1",   "file1", "filename1",
                                       "name1", "id1",   "patha",  "imagea", "imga",  "filea",
                                       "a",     "left",  "anchor", "query"};
constexpr std::array<Words, 16> kSecond{
    "second", "path2",  "image2", "img2",  "file2", "filename2", "name2", "id2",
    "pathb",  "imageb", "imgb",   "fileb", "b",     "right",     "other", "reference"};
constexpr std::array<Words, 11> kSame{"same",    "issame",  "sameperson", "match",
                                      "ismatch", "genuine", "label",      "target",
                                      "similar", "y",       "groundtruth"};
constexpr std::array<Words, 4> kFold{"fold", "folds", "foldid", "set"};

/// Which columns of a list of pairs are what.
struct PairColumns {
  std::size_t first = 0;
  std::size_t second = 1;
  std::size_t same = 2;
  std::optional<std::size_t> fold;
  bool header = false;
};

class PairColumnFinder {
 public:
  PairColumnFinder(const ListText& list, PairBuilder& builder) : list_(list), builder_(builder) {}

  PairColumns find() {
    const std::span<const std::string_view> first = list_[0].fields;
    const std::size_t columns = list_.columns();
    if (columns < 3 || list_[0].fields.size() != columns) refuse_count(list_[0]);
    const int a = find_column(first, kFirst);
    const int b = find_column(first, kSecond);
    const int same = find_column(first, kSame);
    const auto is_image = [&](int column) {
      return builder_.knows(first[static_cast<std::size_t>(column)]);
    };
    if (a >= 0 && b >= 0 && same >= 0 && !(is_image(a) && is_image(b))) {
      const int fold = find_column(first, kFold);
      return {static_cast<std::size_t>(a), static_cast<std::size_t>(b),
              static_cast<std::size_t>(same),
              fold >= 0 ? std::optional(static_cast<std::size_t>(fold)) : std::nullopt, true};
    }
    if (columns > 4) refuse_count(list_[0]);
    PairColumns found;
    // SAME may come first, as in "1 a.jpg b.jpg"; where all could be it, it is the third.
    if (!all_same(2) && all_same(0) && !all_same(1)) found = {1, 2, 0, {}, false};
    if (columns == 4) found.fold = 3;
    found.header = is_header(found);
    return found;
  }

  [[noreturn]] void refuse_count(const ListRow& row) const {
    list_.refuse(row, fmt::format("has {} fields; FIRST,SECOND,SAME or FIRST,SECOND,SAME,FOLD is "
                                  "expected, the same in all lines, or a first line that names "
                                  "columns so",
                                  row.fields.size()));
  }

 private:
  bool all_same(std::size_t column) const {
    for (std::size_t i = 1; i < list_.size(); ++i) {
      if (list_[i].fields.size() <= column || !same_named(list_[i][column])) return false;
    }
    return list_.size() > 1 || same_named(list_[0][column]).has_value();
  }
  // Not a pair: neither of its images is there, and SAME is a word that says nothing.
  bool is_header(const PairColumns& columns) {
    const ListRow row = list_[0];
    if (row.fields.size() != list_.columns() || list_.size() < 2) return false;
    const std::string_view same = row[columns.same];
    return !same_named(same) && !real_value(same) && !builder_.knows(row[columns.first]) &&
           !builder_.knows(row[columns.second]);
  }

  const ListText& list_;
  PairBuilder& builder_;
};

PairList read_pair_lines(PairBuilder builder, const ListText& list) {
  const PairColumnFinder finder(list, builder);
  const PairColumns columns = PairColumnFinder(list, builder).find();
  bool zero = false;
  bool minus = false;
  for (std::size_t i = columns.header ? 1 : 0; i < list.size(); ++i) {
    const ListRow row = list[i];
    const TextLine line{row.line, {}};
    if (row.fields.size() != list.columns()) finder.refuse_count(row);
    const std::string_view text = row[columns.same];
    const auto same = same_named(text);
    if (!same) {
      list.refuse(row, fmt::format("'{}' is neither 1 (same) nor 0 (not same)", text));
    }
    zero = zero || real_value(text) == 0.0;
    minus = minus || real_value(text) == -1.0;
    if (zero && minus) list.refuse(row, "0 and -1 are both in the list; one of them is not same");
    const auto fold = columns.fold ? whole_value(row[*columns.fold]) : 0;
    if (!fold) {
      list.refuse(row, fmt::format("'{}' is no fold number", row[*columns.fold]));
    }
    builder.add(builder.row_of(line, row[columns.first]), builder.row_of(line, row[columns.second]),
                *same, *fold);
  }
  PairList found = builder.finish(columns.fold.has_value());
  std::string note = list.dialect();
  if (columns.header) {
    note += fmt::format("{}the first line names the columns", note.empty() ? "" : "; ");
  }
  if (!note.empty()) found.notes.push_back(fmt::format("{}: {}", list.where(), note));
  return found;
}

}  // namespace

PairBuilder::PairBuilder(const std::string& path, const PairSamples& samples)
    : path_(path), rows_(samples.rows), names_(samples.paths), has_names_(!samples.paths.empty()) {}

void PairBuilder::refuse(const TextLine& line, const std::string& why) const {
  fail(ErrorKind::data, fmt::format("{}: line {}: {}", path_, line.number, why));
}

Index PairBuilder::row_of_name(const TextLine& line, const std::string& name) {
  const Index row = names_.find(name);
  if (row == PathIndex::kAmbiguous) {
    refuse(line, fmt::format("there are several images '{}'; name them by their whole path", name));
  }
  if (row == PathIndex::kMissing && missing_++ == 0) {
    first_missing_ = fmt::format("'{}' (line {})", name, line.number);
  }
  return row;
}

Index PairBuilder::row_of(const TextLine& line, std::string_view text) {
  const std::string name(text);
  const auto number = whole_number(text);
  if (!number || (has_names_ && names_.find(name) != PathIndex::kMissing)) {
    return row_of_name(line, name);
  }
  if (*number < 0 || *number >= rows_) {
    refuse(line, fmt::format("row {} does not exist; there are {} embeddings", *number, rows_));
  }
  return *number;
}

void PairBuilder::add(Index first, Index second, bool same, std::int64_t fold) {
  list_.first.push_back(first);
  list_.second.push_back(second);
  list_.same.push_back(same ? 1 : 0);
  list_.fold.push_back(fold);
}

void PairBuilder::check_missing() const {
  if (missing_ > 0) {
    fail(ErrorKind::data,
         fmt::format("{}: {} of the images it names are not among the {} samples, the first "
                     "is {}; {}",
                     path_, missing_, rows_, first_missing_,
                     has_names_ ? "take the whole set that the list is for"
                                : "the embedding file has no /paths to find them by"));
  }
}

PairList PairBuilder::finish(bool folds) {
  check_missing();
  if (list_.first.empty()) fail(ErrorKind::data, path_ + ": holds no pairs");
  if (!folds) list_.fold.clear();
  return std::move(list_);
}

bool PairBuilder::knows(std::string_view text) {
  const auto number = whole_number(text);
  return (has_names_ && names_.find(text) != PathIndex::kMissing) ||
         (number && *number >= 0 && *number < rows_);
}

PairList parse_pairs(std::string_view bytes, const std::string& path, const PairSamples& samples) {
  const std::string text = decode_text(std::as_bytes(std::span(bytes))).text;
  const std::vector<TextLine> lines = lines_of(text);
  if (lines.empty()) fail(ErrorKind::data, path + ": holds no pairs");
  const std::vector<std::string_view> header = fields_of(lines[0].text, " \t");
  const bool counts = header.size() <= 2 && std::all_of(header.begin(), header.end(), [](auto f) {
                        return whole_number(f).has_value();
                      });
  if (counts) return read_lfw(PairBuilder(path, samples), lines, header);
  const ListText list(std::as_bytes(std::span(bytes)), path);
  // Lines that hold nothing but form feeds are lines, but no rows.
  if (list.size() == 0) fail(ErrorKind::data, path + ": holds no pairs");
  return read_pair_lines(PairBuilder(path, samples), list);
}

}  // namespace kindred
