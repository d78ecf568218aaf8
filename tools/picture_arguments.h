#pragma once
#include <string>
#include <vector>

#include "command.h"
#include "kindred/data/picture_list.h"

namespace kindred::tools {

/// Options of commands that take pictures.
struct PictureArguments {
  std::string boxes;
  std::string landmarks;
  bool strict = false;  ///< a picture that cannot be read is an error
};

/// --boxes, --landmarks.
void add_region_options(const Command& command, std::string& list_of_boxes,
                        std::string& list_of_landmarks);
/// The same and --strict.
void add_picture_options(const Command& command, PictureArguments& arguments);

/// The names of pictures: "-" stands for lines of standard input, of which those that are not there
/// are told of and left out, unless `strict`. Fails with usage where it comes twice, with no_input
/// where no name is left.
std::vector<std::string> named_sources(const std::vector<std::string>& words, bool strict);

/// The pictures, with their regions; tells what was guessed and left out before the work. Fails as
/// PictureList does, and with data on a list of regions that cannot be read.
PictureList open_pictures(const std::vector<std::string>& words, const PictureArguments& arguments,
                          bool quiet);

/// Lists the first of those that could not be read, and says how many there are.
void tell_unreadable(const std::vector<std::string>& unreadable, bool quiet);

}  // namespace kindred::tools
