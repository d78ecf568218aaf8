#include "data/labels/class_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>

#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr std::size_t kMostCounted = 1 << 20;  // classes of numbers that are not whole

template <typename T>
std::vector<T> cut(const std::vector<T>& values, Index first, Index count, Index columns) {
  if (values.empty()) return {};
  return {values.begin() + first * columns, values.begin() + (first + count) * columns};
}

/// Each value by its place among the different ones.
template <typename T>
std::vector<std::int64_t> count_off(const std::vector<T>& values, std::vector<T>& different) {
  different = values;
  std::sort(different.begin(), different.end());
  different.erase(std::unique(different.begin(), different.end()), different.end());
  std::vector<std::int64_t> labels;
  labels.reserve(values.size());
  for (const T& value : values) {
    labels.push_back(std::lower_bound(different.begin(), different.end(), value) -
                     different.begin());
  }
  return labels;
}

/// The place of the single 1 among zeros, or nothing.
template <typename T>
std::optional<Index> place_of_one(const T* row, Index columns) {
  std::optional<Index> place;
  for (Index i = 0; i < columns; ++i) {
    if (row[i] == T{0}) continue;
    if (row[i] != T{1} || place) return std::nullopt;
    place = i;
  }
  return place;
}

template <typename T>
std::vector<T> column_of(const std::vector<T>& values, Index columns, Index column) {
  std::vector<T> chosen;
  for (std::size_t i = static_cast<std::size_t>(column); i < values.size();
       i += static_cast<std::size_t>(columns)) {
    chosen.push_back(values[i]);
  }
  return chosen;
}

}  // namespace

NegativeLabels negative_labels_named(const std::string& name) {
  if (name.empty()) return NegativeLabels::refuse;
  if (name == "drop") return NegativeLabels::drop;
  if (name == "class") return NegativeLabels::as_classes;
  fail(ErrorKind::usage, fmt::format("negative_labels is '{}'; drop or class is expected", name));
}

Index LabelValues::rows() const {
  return static_cast<Index>(whole.size() + reals.size() + texts.size()) / columns;
}

LabelValues LabelValues::of(Index first, Index count) const {
  return {.where = where,
          .name = name,
          .columns = columns,
          .whole = cut(whole, first, count, columns),
          .is_unsigned = is_unsigned,
          .reals = cut(reals, first, count, columns),
          .texts = cut(texts, first, count, columns)};
}

void LabelReader::add(LabelValues part) {
  const Index columns = part.columns;
  if (column_ >= columns) {
    fail(ErrorKind::data, fmt::format("{} has {} columns, counted from 0; column {} is asked for",
                                      part.where, columns, column_));
  }
  if (columns == 1) return add_column(std::move(part));
  if (column_ >= 0) {
    part.whole = column_of(part.whole, columns, column_);
    part.reals = column_of(part.reals, columns, column_);
    part.texts = column_of(part.texts, columns, column_);
    part.columns = 1;
    return add_column(std::move(part));
  }
  LabelValues places{.where = part.where, .name = part.name};
  for (Index i = 0; i < part.rows(); ++i) {
    const std::optional<Index> place = !part.texts.empty() ? std::nullopt
                                       : part.reals.empty()
                                           ? place_of_one(part.whole.data() + i * columns, columns)
                                           : place_of_one(part.reals.data() + i * columns, columns);
    if (!place) {
      fail(ErrorKind::data,
           fmt::format("{} has shape [{}, {}], and row {} is not a single 1 among zeros; say which "
                       "column is the label: --labels {}:0",
                       part.where, part.rows(), columns, i, part.name));
    }
    places.whole.push_back(*place);
  }
  one_hot_ = std::max(one_hot_, columns);
  add_column(std::move(places));
}

void LabelReader::add_column(LabelValues part) {
  refuse_mixed(part);
  if (where_.empty()) where_ = part.where;
  parts_.emplace_back(part.where, part.rows());
  if (!part.reals.empty()) return take_reals(part);
  for (const std::int64_t value : part.whole) {
    numbers_.emplace_back((part.is_unsigned && value < 0) || value == INT64_MAX, value);
  }
  texts_.insert(texts_.end(), std::make_move_iterator(part.texts.begin()),
                std::make_move_iterator(part.texts.end()));
}

void LabelReader::refuse_mixed(const LabelValues& part) {
  const bool texts = !texts_.empty();
  if (part.rows() == 0 || numbers_.size() + fractions_.size() + texts_.size() == 0 ||
      texts == !part.texts.empty()) {
    return;
  }
  fail(ErrorKind::data,
       fmt::format("labels are {} in {}, and {} in {}; one kind is expected",
                   texts ? "texts" : "numbers", where_, texts ? "numbers" : "texts", part.where));
}

void LabelReader::take_reals(const LabelValues& part) {
  const auto refuse = [&](std::size_t row, const std::string& why) {
    fail(ErrorKind::data, fmt::format("{} row {} is {}{}", part.where, row, part.reals[row], why));
  };
  bool whole = true;
  for (std::size_t i = 0; i < part.reals.size(); ++i) {
    const double value = part.reals[i];
    if (!std::isfinite(value)) refuse(i, ", which is no label");
    if (std::abs(value) >= 0x1p53) {
      refuse(i,
             "; from 2^53 on reals do not tell whole numbers apart, so store such labels as "
             "integers or texts");
    }
    if (value != std::floor(value) && column_ < 0) {
      refuse(i, fmt::format("; labels are whole numbers, texts, or rows with a single 1. Where "
                            "every different number is a class, name the column: --labels {}:0",
                            part.name));
    }
    whole = whole && value == std::floor(value);
  }
  if (whole && fractions_.empty()) {
    for (const double value : part.reals) {
      numbers_.emplace_back(false, static_cast<std::int64_t>(value));
    }
    return;
  }
  for (const Number& number : numbers_) fractions_.push_back(static_cast<double>(number.second));
  numbers_.clear();
  fractions_.insert(fractions_.end(), part.reals.begin(), part.reals.end());
}

ClassLabels LabelReader::finish(std::vector<std::string> names) {
  ClassLabels result;
  if (one_hot_ > 0) {
    result.notes.push_back(fmt::format(
        "{}: rows of {} with a single 1 (one-hot): the label is its column", where_, one_hot_));
  }
  if (!texts_.empty()) {
    count_texts(names, result);
  } else if (!fractions_.empty()) {
    std::vector<double> different;
    result.labels = count_off(fractions_, different);
    if (different.size() > kMostCounted) {
      fail(ErrorKind::data, fmt::format("{}: holds {} different numbers that are not whole; they "
                                        "are no labels",
                                        where_, different.size()));
    }
    for (const double value : different) result.class_names.push_back(fmt::format("{}", value));
    result.notes.push_back(fmt::format("{}: {} different numbers, each a class of its name", where_,
                                       different.size()));
  } else {
    count_numbers(std::move(names), result);
  }
  return result;
}

void LabelReader::count_texts(const std::vector<std::string>& names, ClassLabels& result) {
  std::unordered_map<std::string, std::int64_t> known;
  for (const std::string& name : names) {
    known.emplace(name, static_cast<std::int64_t>(known.size()));
  }
  const bool named = known.size() == names.size() &&
                     std::all_of(texts_.begin(), texts_.end(),
                                 [&](const std::string& text) { return known.contains(text); });
  if (named) {
    for (const std::string& text : texts_) result.labels.push_back(known.at(text));
    result.class_names = names;
    return;
  }
  result.labels = count_off(texts_, result.class_names);
  const auto empty = std::count(texts_.begin(), texts_.end(), "");
  if (empty > 0) {
    result.notes.push_back(
        fmt::format("{}: {} labels are empty texts, a class of their own", where_, empty));
  }
}

void LabelReader::count_numbers(std::vector<std::string> names, ClassLabels& result) {
  const auto is_negative = [](const Number& number) { return !number.first && number.second < 0; };
  const auto negative = std::count_if(numbers_.begin(), numbers_.end(), is_negative);
  if (negative > 0 && negative_ == NegativeLabels::refuse) refuse_negative();
  const bool drop = negative > 0 && negative_ == NegativeLabels::drop;
  const bool count =
      (negative > 0 && !drop) || std::any_of(numbers_.begin(), numbers_.end(),
                                             [](const Number& number) { return number.first; });
  for (const Number& number : numbers_) {
    result.labels.push_back(is_negative(number) ? -1 : number.second);
  }
  if (count) {
    std::vector<Number> kept = numbers_;
    if (drop) std::erase_if(kept, is_negative);
    std::vector<Number> different;
    count_off(kept, different);
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      if (drop && is_negative(numbers_[i])) continue;
      result.labels[i] =
          std::lower_bound(different.begin(), different.end(), numbers_[i]) - different.begin();
    }
    for (const auto& [large, value] : different) {
      result.class_names.push_back(large ? fmt::format("{}", static_cast<std::uint64_t>(value))
                                         : fmt::format("{}", value));
    }
    result.notes.push_back(fmt::format(
        "{}: {} different numbers, some {}: they are counted from 0, and the names of their "
        "classes",
        where_, different.size(), negative > 0 && !drop ? "negative" : "beyond 2^63"));
  } else {
    const auto most = std::max_element(result.labels.begin(), result.labels.end());
    if (most != result.labels.end() && static_cast<std::int64_t>(names.size()) > *most) {
      result.class_names = std::move(names);
    }
  }
  if (!drop) return;
  result.left_out = negative;
  result.notes.push_back(fmt::format("{}: {} of {} samples have negative labels and are left out",
                                     where_, negative, numbers_.size()));
}

void LabelReader::refuse_negative() const {
  std::size_t at = 0;
  while (numbers_[at].first || numbers_[at].second >= 0) ++at;
  const auto negative = std::count_if(numbers_.begin(), numbers_.end(), [](const Number& number) {
    return !number.first && number.second < 0;
  });
  auto row = static_cast<Index>(at);
  auto part = parts_.begin();
  for (; row >= part->second; ++part) row -= part->second;
  fail(ErrorKind::data,
       fmt::format("{} row {} is {}; labels count from 0, and {} of {} are negative. Say what they "
                   "are: --negative-labels drop leaves these samples out (-1 often means no "
                   "label), --negative-labels class makes classes of them",
                   part->first, row, numbers_[at].second, negative, numbers_.size()));
}

}  // namespace kindred
