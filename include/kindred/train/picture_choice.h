#pragma once
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/data/import.h"

namespace KINDRED_API kindred {

/// What pictures are like, found by a look at names and at a few of them.
struct PictureSurvey {
  Index pictures = 0;               ///< files that are named as pictures are
  Index in_no_folder = 0;           ///< of them
  Index other_files = 0;            ///< lists among them
  std::vector<Index> folder_sizes;  ///< pictures in each folder that holds any, smallest first
  bool has_validation = false;      ///< some lie in a folder called as a validation split
  std::vector<Extent> sizes;        ///< of those looked at
  Index grey = 0;                   ///< of those looked at, without colours
  Index unreadable = 0;             ///< of those looked at
};

/// Looks at so many of the pictures in a folder or an archive, decoded in a child process. Fails
/// with no_input where there is nothing, with data where it holds no file at all.
PictureSurvey survey_pictures(const std::string& source, Index look_at = 48);

/// How pictures become samples, and why, a sentence each.
struct PictureChoice {
  ImportOptions options;         ///< size, crop, colour, min_samples, split with its share
  std::vector<std::string> why;  ///< for people: "become 64 x 64 ..."
};

/// Chooses a size by the pictures' own and by the time at hand, squares where most are nearly
/// square, and what is kept out to choose the model by: whole classes where there are enough (what
/// is asked of an embedding are classes it never saw), else samples of each class.
/// `split` false: the split is left as it is found.
PictureChoice choose_pictures(const PictureSurvey& survey, double minutes, bool split);

}  // namespace kindred
