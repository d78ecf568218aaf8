#include "data/embeddings/pair_text.h"

#include <fmt/format.h>

#include <algorithm>

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

PairList read_csv(PairBuilder builder, const std::vector<TextLine>& lines) {
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

}  // namespace

PairBuilder::PairBuilder(const std::string& path, const PairSamples& samples)
    : path_(path), rows_(samples.rows), names_(samples.paths), has_names_(!samples.paths.empty()) {}

void PairBuilder::refuse(const TextLine& line, const std::string& why) const {
  fail(ErrorKind::data, fmt::format("{}: line {}: {}", path_, line.number, why));
}

Index PairBuilder::row_of_name(const TextLine& line, const std::string& name) {
  const Index row = names_.find(name);
  if (row == SampleNames::kAmbiguous) {
    refuse(line, fmt::format("there are several images '{}'; name them by their whole path", name));
  }
  if (row == SampleNames::kMissing && missing_++ == 0) {
    first_missing_ = fmt::format("'{}' (line {})", name, line.number);
  }
  return row;
}

Index PairBuilder::row_of(const TextLine& line, std::string_view text) {
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

PairList parse_pairs(std::string_view text, const std::string& path, const PairSamples& samples) {
  const std::vector<TextLine> lines = lines_of(text);
  if (lines.empty()) fail(ErrorKind::data, path + ": holds no pairs");
  const std::vector<std::string_view> header = fields_of(lines[0].text, " \t");
  const bool counts = header.size() <= 2 && std::all_of(header.begin(), header.end(), [](auto f) {
                        return whole_number(f).has_value();
                      });
  return counts ? read_lfw(PairBuilder(path, samples), lines, header)
                : read_csv(PairBuilder(path, samples), lines);
}

}  // namespace kindred
