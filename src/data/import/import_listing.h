#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/import/import_plan.h"
#include "data/text/text_lines.h"

namespace kindred {

/// A list of images among the sources, as data sets are published with.
class Listing {
 public:
  /// Fails with data or no_input where it cannot be read.
  Listing(const SourceFiles& files, Index file);

  /// The file whose last part has that name, or -1.
  static Index find(const SourceFiles& files, std::string_view last_part);

  const std::vector<TextLine>& lines() const { return lines_; }
  /// The fields between blanks. Fails with data unless there are `count` of them.
  std::vector<std::string_view> fields(const TextLine& line, std::size_t count,
                                       std::string_view expected) const;
  /// A whole number from 1 on. Fails with data.
  std::int64_t number(const TextLine& line, std::string_view field) const;
  [[noreturn]] void refuse(const TextLine& line, const std::string& why) const;

 private:
  std::string where_;
  std::string text_;
  std::vector<TextLine> lines_;
};

/// Puts the images that lists name into a plan. The lists' paths begin in a folder that may lie
/// deeper in the sources; all begin in the same.
class ListedImages {
 public:
  ListedImages(const SourceFiles& files, ImportPlan& plan);

  /// `item` as the list says it, found by its path; those that are not there are counted.
  void add(ImportItem item);
  /// Lists the images that no list named. Fails with data where there is none of the listed ones.
  void finish(std::string_view lists);

 private:
  Index place_of(const std::string& path);

  const SourceFiles& files_;
  ImportPlan& plan_;
  std::unordered_map<std::string, Index> place_of_name_;
  std::string folder_;  // that the lists' paths begin in, once `found_`
  bool found_ = false;
  int searches_ = 0;
  std::vector<bool> listed_;
  std::string first_missing_;
  Index missing_ = 0;
};

}  // namespace kindred
