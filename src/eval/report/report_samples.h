#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "kindred/core/index.h"

namespace kindred {

/// Numbers the rows that a page shows, in the order in which they are asked for.
class SampleNumbers {
 public:
  Index of(Index row) {
    const auto [place, added] = numbers_.try_emplace(row, static_cast<Index>(rows_.size()));
    if (added) rows_.push_back(row);
    return place->second;
  }
  const std::vector<Index>& rows() const { return rows_; }

 private:
  std::unordered_map<Index, Index> numbers_;
  std::vector<Index> rows_;
};

/// Numbers the classes that occur, by rising label.
class ClassNumbers {
 public:
  explicit ClassNumbers(std::vector<std::int64_t> labels) : labels_(std::move(labels)) {
    std::sort(labels_.begin(), labels_.end());
    labels_.erase(std::unique(labels_.begin(), labels_.end()), labels_.end());
  }
  Index of(std::int64_t label) const {
    return std::lower_bound(labels_.begin(), labels_.end(), label) - labels_.begin();
  }
  /// By number; "class 17" where label 17 has no name.
  std::vector<std::string> names(const std::vector<std::string>& by_label) const {
    std::vector<std::string> result;
    for (const std::int64_t label : labels_) {
      const bool named = label >= 0 && label < static_cast<std::int64_t>(by_label.size());
      result.push_back(named ? by_label[static_cast<std::size_t>(label)]
                             : "class " + std::to_string(label));
    }
    return result;
  }

 private:
  std::vector<std::int64_t> labels_;
};

}  // namespace kindred
