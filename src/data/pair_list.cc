#include "kindred/data/pair_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "data/sample_columns.h"
#include "data/sample_names.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {
namespace {

constexpr Index kLongestList = Index{1} << 32;

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<std::string_view> fields_of(std::string_view line, std::string_view separators) {
  std::vector<std::string_view> fields;
  const bool blanks = separators.find(' ') != separators.npos;
  for (std::size_t first = 0; first <= line.size();) {
    const std::size_t end = std::min(line.find_first_of(separators, first), line.size());
    const std::string_view field = trimmed(line.substr(first, end - first));
    if (!blanks || !field.empty()) fields.push_back(field);
    first = end + 1;
  }
  return fields;
}

/// The lines of a text with something in them, and their numbers.
struct Line {
  std::size_t number = 0;  // from 1
  std::string_view text;
};

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  std::size_t number = 0;
  for (std::size_t first = 0; first < text.size();) {
    const std::size_t end = std::min(text.find('\n', first), text.size());
    const std::string_view line = trimmed(text.substr(first, end - first));
    if (++number; !line.empty()) lines.push_back({number, line});
    first = end + 1;
  }
  return lines;
}

/// Builds a list; keeps count of images that are not there, so that one message tells them all.
class Builder {
 public:
  Builder(const std::string& path, const EmbeddingFile& file)
      : path_(path), rows_(file.embeddings.rows()), names_(file.paths) {
    has_names_ = !file.paths.empty();
  }

  [[noreturn]] void refuse(const Line& line, const std::string& why) const {
    fail(ErrorKind::data, fmt::format("{}: line {}: {}", path_, line.number, why));
  }

  Index row_of_name(const Line& line, const std::string& name) {
    const Index row = names_.find(name);
    if (row == SampleNames::kAmbiguous) {
      refuse(line,
             fmt::format("there are several images '{}'; name them by their whole path", name));
    }
    if (row == SampleNames::kMissing && missing_++ == 0) {
      first_missing_ = fmt::format("'{}' (line {})", name, line.number);
    }
    return row;
  }

  /// By path, else by row number.
  Index row_of(const Line& line, std::string_view text) {
    const std::string name(text);
    const auto number = whole_number(text);
    if (!number || (has_names_ && names_.find(name) != SampleNames::kMissing)) {
      return row_of_name(line, name);
    }
    if (*number < 0 || *number >= rows_) {
      refuse(line, fmt::format("row {} does not exist; there are {} embeddings", *number, rows_));
    }
    return *number;
  }

  void add(Index first, Index second, bool same, std::int64_t fold) {
    list_.first.push_back(first);
    list_.second.push_back(second);
    list_.same.push_back(same ? 1 : 0);
    list_.fold.push_back(fold);
  }

  PairList finish(bool folds) {
    if (missing_ > 0) {
      fail(ErrorKind::data,
           fmt::format("{}: {} of the images it names are not among the {} embeddings, the first "
                       "is {}; {}",
                       path_, missing_, rows_, first_missing_,
                       has_names_ ? "embed the whole set that the list is for"
                                  : "the embedding file has no /paths to find them by"));
    }
    if (list_.first.empty()) fail(ErrorKind::data, path_ + ": holds no pairs");
    if (!folds) list_.fold.clear();
    return std::move(list_);
  }

 private:
  const std::string& path_;
  Index rows_;
  SampleNames names_;
  bool has_names_ = false;
  PairList list_;
  Index missing_ = 0;
  std::string first_missing_;
};

std::string lfw_name(Builder& builder, const Line& line, std::string_view name,
                     std::string_view number) {
  const auto value = whole_number(number);
  if (!value || *value < 0) {
    builder.refuse(line, fmt::format("'{}' is no image number", number));
  }
  return fmt::format("{}_{:04}", name, *value);
}

PairList read_lfw(Builder builder, const std::vector<Line>& lines,
                  const std::vector<std::string_view>& header) {
  const std::int64_t folds = header.size() == 2 ? *whole_number(header[0]) : 1;
  const std::int64_t each = *whole_number(header.back());
  const auto found = static_cast<std::int64_t>(lines.size()) - 1;
  if (folds < 1 || each < 1 || folds > found || each > found || folds * each * 2 != found) {
    builder.refuse(lines[0], fmt::format("promises {} folds of {} + {} pairs, but {} lines follow",
                                         folds, each, each, found));
  }
  for (std::int64_t i = 0; i < found; ++i) {
    const Line& line = lines[static_cast<std::size_t>(i) + 1];
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

PairList read_csv(Builder builder, const std::vector<Line>& lines) {
  std::size_t columns = 0;
  for (const Line& line : lines) {
    const std::vector<std::string_view> fields = fields_of(line.text, ",");
    const std::int64_t same = fields.size() > 2 ? whole_number(fields[2]).value_or(-1) : -1;
    if (&line == &lines[0] && same < 0 && fields.size() > 2) continue;  // a header
    if (columns == 0) columns = fields.size();
    if (fields.size() != columns || columns < 3 || columns > 4) {
      builder.refuse(line, fmt::format("has {} fields; FIRST,SECOND,SAME or "
                                       "FIRST,SECOND,SAME,FOLD is expected, the same in all lines",
                                       fields.size()));
    }
    if (same < 0 || same > 1) {
      builder.refuse(line, fmt::format("'{}' is neither 1 (same) nor 0 (not same)", fields[2]));
    }
    const auto fold = columns == 4 ? whole_number(fields[3]) : 0;
    if (!fold) builder.refuse(line, fmt::format("'{}' is no fold number", fields[3]));
    builder.add(builder.row_of(line, fields[0]), builder.row_of(line, fields[1]), same == 1, *fold);
  }
  return builder.finish(columns == 4);
}

std::vector<std::int64_t> read_column(const Hdf5File& file, const std::string& name,
                                      std::size_t pairs) {
  std::vector<std::int64_t> values = read_whole_numbers(file, name);
  if (values.size() != pairs) {
    fail(ErrorKind::data, fmt::format("{} has {} rows but /pairs has {}; each pair needs one",
                                      file.where(name), values.size(), pairs));
  }
  return values;
}

PairList read_hdf5(const std::string& path, const EmbeddingFile& embeddings) {
  const Hdf5File file = Hdf5File::open(path);
  const std::string where = file.where("pairs");
  if (!file.is_dataset("pairs")) {
    fail(ErrorKind::data, where + " is missing; row numbers int64 [P, 2] are expected");
  }
  const std::vector<Index> shape = file.shape("pairs");
  if (shape.size() != 2 || shape[0] < 1 || shape[1] != 2 ||
      file.kind("pairs") != Hdf5Kind::integer) {
    fail(ErrorKind::data, fmt::format("{} has shape [{}]; row numbers int64 [P, 2] are expected",
                                      where, fmt::join(shape, ", ")));
  }
  const std::vector<std::int64_t> rows = file.read<std::int64_t>("pairs");
  PairList list;
  const Index count = embeddings.embeddings.rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] < 0 || rows[i] >= count) {
      fail(ErrorKind::data, fmt::format("{} row {} names row {}, but there are {} embeddings",
                                        where, i / 2, rows[i], count));
    }
    (i % 2 == 0 ? list.first : list.second).push_back(rows[i]);
  }
  const std::size_t pairs = list.first.size();
  if (file.exists("same")) {
    for (const std::int64_t same : read_column(file, "same", pairs)) {
      if (same < 0 || same > 1) {
        fail(ErrorKind::data, fmt::format("{} holds {}; 1 (same) or 0 (not same) is expected",
                                          file.where("same"), same));
      }
      list.same.push_back(static_cast<std::uint8_t>(same));
    }
  } else if (embeddings.labels.empty()) {
    fail(ErrorKind::data, fmt::format("{} is missing, and so are the labels of the embeddings: "
                                      "nothing says which pairs are the same",
                                      file.where("same")));
  } else {
    const auto label = [&](Index row) { return embeddings.labels[static_cast<std::size_t>(row)]; };
    for (std::size_t i = 0; i < pairs; ++i) {
      list.same.push_back(label(list.first[i]) == label(list.second[i]) ? 1 : 0);
    }
  }
  if (file.exists("fold")) list.fold = read_column(file, "fold", pairs);
  return list;
}

}  // namespace

PairList read_pair_list(const std::string& path, const EmbeddingFile& file) {
  if (path.find(":/") != path.npos || is_hdf5_file(path)) return read_hdf5(path, file);
  const std::vector<std::byte> bytes = read_file(path, kLongestList);
  const std::vector<Line> lines =
      lines_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (lines.empty()) fail(ErrorKind::data, path + ": holds no pairs");
  const std::vector<std::string_view> header = fields_of(lines[0].text, " \t");
  const bool counts = header.size() <= 2 && std::all_of(header.begin(), header.end(), [](auto f) {
                        return whole_number(f).has_value();
                      });
  return counts ? read_lfw(Builder(path, file), lines, header)
                : read_csv(Builder(path, file), lines);
}

}  // namespace kindred
