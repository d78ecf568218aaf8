#include "kindred/data/pair_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "data/sample_columns.h"
#include "data/sample_names.h"
#include "data/text_lines.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {
namespace {

constexpr Index kLongestList = Index{1} << 32;

/// What a list is for.
struct Samples {
  Index rows;
  const std::vector<std::string>& paths;    // or empty
  const std::vector<std::int64_t>& labels;  // or empty
};

/// Builds a list; keeps count of images that are not there, so that one message tells them all.
class Builder {
 public:
  Builder(const std::string& path, const Samples& samples)
      : path_(path),
        rows_(samples.rows),
        names_(samples.paths),
        has_names_(!samples.paths.empty()) {}

  [[noreturn]] void refuse(const TextLine& line, const std::string& why) const {
    fail(ErrorKind::data, fmt::format("{}: line {}: {}", path_, line.number, why));
  }

  Index row_of_name(const TextLine& line, const std::string& name) {
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
  Index row_of(const TextLine& line, std::string_view text) {
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

  void check_missing() const {
    if (missing_ > 0) {
      fail(ErrorKind::data,
           fmt::format("{}: {} of the images it names are not among the {} samples, the first "
                       "is {}; {}",
                       path_, missing_, rows_, first_missing_,
                       has_names_ ? "take the whole set that the list is for"
                                  : "the embedding file has no /paths to find them by"));
    }
  }

  PairList finish(bool folds) {
    check_missing();
    if (list_.first.empty()) fail(ErrorKind::data, path_ + ": holds no pairs");
    if (!folds) list_.fold.clear();
    return std::move(list_);
  }

 private:
  const std::string& path_;
  Index rows_;
  SampleNames names_;
  bool has_names_;
  PairList list_;
  Index missing_ = 0;
  std::string first_missing_;
};

std::string lfw_name(Builder& builder, const TextLine& line, std::string_view name,
                     std::string_view number) {
  const auto value = whole_number(number);
  if (!value || *value < 0) {
    builder.refuse(line, fmt::format("'{}' is no image number", number));
  }
  return fmt::format("{}_{:04}", name, *value);
}

PairList read_lfw(Builder builder, const std::vector<TextLine>& lines,
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

PairList read_csv(Builder builder, const std::vector<TextLine>& lines) {
  std::size_t columns = 0;
  for (const TextLine& line : lines) {
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

// The paths of the data set that a list is kept in, "FILE.h5" or "FILE.h5:/group".
std::vector<std::string> paths_beside(const std::string& path) {
  const std::size_t group = path.rfind(":/");
  const Hdf5File file = Hdf5File::open(group == path.npos ? path : path.substr(0, group));
  return file.is_dataset("paths") ? file.read_strings("paths") : std::vector<std::string>();
}

PairList read_hdf5(const std::string& path, const Samples& samples) {
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
  // Embeddings of a part of the data set have other row numbers: paths say which.
  const std::vector<std::string> own =
      samples.paths.empty() ? std::vector<std::string>() : paths_beside(path);
  Builder builder(path, samples);
  PairList list;
  const Index count = own.empty() ? samples.rows : static_cast<Index>(own.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] < 0 || rows[i] >= count) {
      fail(ErrorKind::data, fmt::format("{} row {} names row {}, but there are {} samples", where,
                                        i / 2, rows[i], count));
    }
    const Index row =
        own.empty() ? rows[i]
                    : builder.row_of_name({i / 2, {}}, own[static_cast<std::size_t>(rows[i])]);
    (i % 2 == 0 ? list.first : list.second).push_back(row);
  }
  builder.check_missing();
  const std::size_t pairs = list.first.size();
  if (file.exists("same")) {
    for (const std::int64_t same : read_column(file, "same", pairs)) {
      if (same < 0 || same > 1) {
        fail(ErrorKind::data, fmt::format("{} holds {}; 1 (same) or 0 (not same) is expected",
                                          file.where("same"), same));
      }
      list.same.push_back(static_cast<std::uint8_t>(same));
    }
  } else if (samples.labels.empty()) {
    fail(ErrorKind::data, fmt::format("{} is missing, and so are the labels of the embeddings: "
                                      "nothing says which pairs are the same",
                                      file.where("same")));
  } else {
    const auto label = [&](Index row) { return samples.labels[static_cast<std::size_t>(row)]; };
    for (std::size_t i = 0; i < pairs; ++i) {
      list.same.push_back(label(list.first[i]) == label(list.second[i]) ? 1 : 0);
    }
  }
  if (file.exists("fold")) list.fold = read_column(file, "fold", pairs);
  return list;
}

PairList read(const std::string& path, const Samples& samples) {
  if (path.find(":/") != path.npos || is_hdf5_file(path)) return read_hdf5(path, samples);
  const std::vector<std::byte> bytes = read_file(path, kLongestList);
  const std::vector<TextLine> lines =
      lines_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (lines.empty()) fail(ErrorKind::data, path + ": holds no pairs");
  const std::vector<std::string_view> header = fields_of(lines[0].text, " \t");
  const bool counts = header.size() <= 2 && std::all_of(header.begin(), header.end(), [](auto f) {
                        return whole_number(f).has_value();
                      });
  return counts ? read_lfw(Builder(path, samples), lines, header)
                : read_csv(Builder(path, samples), lines);
}

}  // namespace

PairList read_pair_list(const std::string& path, const EmbeddingFile& file) {
  return read(path, {file.embeddings.rows(), file.paths, file.labels});
}

PairList read_pair_list(const std::string& path, const std::vector<std::string>& paths) {
  return read(path, {static_cast<Index>(paths.size()), paths, {}});
}

}  // namespace kindred
