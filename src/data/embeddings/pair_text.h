#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "data/text/path_index.h"
#include "data/text/text_lines.h"
#include "kindred/core/error.h"
#include "kindred/data/pair_list.h"

namespace kindred {

/// What a list of pairs is for.
struct PairSamples {
  Index rows;
  const std::vector<std::string>& paths;    // or empty
  const std::vector<std::int64_t>& labels;  // or empty
};

/// Builds a list; keeps count of images that are not there, so that one message tells them all.
class PairBuilder {
 public:
  PairBuilder(const std::string& path, const PairSamples& samples);

  [[noreturn]] void refuse(const TextLine& line, const std::string& why) const;
  Index row_of_name(const TextLine& line, const std::string& name);
  /// By path, else by row number.
  Index row_of(const TextLine& line, std::string_view text);
  /// Whether it is an image's name, or the number of a row.
  bool knows(std::string_view text);
  void add(Index first, Index second, bool same, std::int64_t fold);
  void check_missing() const;
  PairList finish(bool folds);

 private:
  const std::string& path_;
  Index rows_;
  PathIndex names_;
  bool has_names_;
  PairList list_;
  Index missing_ = 0;
  std::string first_missing_;
};

/// The pairs of LFW's text lists, and of other lists; `path` is for messages. Fails with data.
PairList parse_pairs(std::string_view bytes, const std::string& path, const PairSamples& samples);

}  // namespace kindred
