#include "picture_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <optional>

#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/data/picture_regions.h"

namespace kindred::tools {
namespace {

constexpr std::size_t kNamed = 10;  // of what cannot be read

}  // namespace

void add_region_options(const Command& command, std::string& list_of_boxes,
                        std::string& list_of_landmarks) {
  const Option boxes =
      command
          .add_option("--boxes", list_of_boxes,
                      "what of each picture is meant: a list of path, x, y, width, height")
          .type_name("LIST.csv")
          .reads_file();
  command
      .add_option(
          "--landmarks", list_of_landmarks,
          "faces are turned upright by a list of path and x, y of left eye, right eye, nose, "
          "left and right corner of the mouth")
      .type_name("LIST.csv")
      .reads_file()
      .excludes(boxes);
}

void add_picture_options(const Command& command, PictureArguments& arguments) {
  add_region_options(command, arguments.boxes, arguments.landmarks);
  command.add_flag(
      "--strict", arguments.strict,
      "a picture that cannot be read is an error (default: it is left out, and named)");
}

std::vector<std::string> named_sources(const std::vector<std::string>& words, bool strict) {
  std::vector<std::string> sources;
  bool read = false;
  for (const std::string& word : words) {
    if (word != "-") {
      sources.push_back(word);
      continue;
    }
    if (read) fail(ErrorKind::usage, "-: the names of pictures are read from standard input once");
    read = true;
    for (std::string line; std::getline(std::cin, line);) {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (line.empty()) continue;
      if (exists(line) || strict) {
        sources.push_back(line);
      } else {
        note(fmt::format("{}: is not there, and left out", line));
      }
    }
  }
  if (sources.empty()) fail(ErrorKind::no_input, "standard input names no picture that is there");
  return sources;
}

PictureList open_pictures(const std::vector<std::string>& words, const PictureArguments& arguments,
                          bool quiet) {
  const std::vector<std::string> sources = named_sources(words, arguments.strict);
  std::optional<PictureRegions> regions;
  if (!arguments.boxes.empty()) regions = PictureRegions::read_boxes(arguments.boxes);
  if (!arguments.landmarks.empty()) regions = PictureRegions::read_landmarks(arguments.landmarks);
  PictureList pictures(sources);
  if (regions) pictures.set_regions(*regions);
  if (arguments.strict && !pictures.left_out().empty()) {
    fail(ErrorKind::data, fmt::format("{} (--strict; {} files are no pictures)",
                                      pictures.left_out()[0], pictures.left_out().size()));
  }
  if (quiet) return pictures;
  for (const std::string& text : pictures.notes()) note(text);
  if (const std::string text = pictures.left_out_text(); !text.empty()) note(text);
  return pictures;
}

void tell_unreadable(const std::vector<std::string>& unreadable, bool quiet) {
  if (quiet || unreadable.empty()) return;
  for (std::size_t i = 0; i < std::min(kNamed, unreadable.size()); ++i) note(unreadable[i]);
  note(
      unreadable.size() <= kNamed
          ? fmt::format("pictures that cannot be read and are left out: {}", unreadable.size())
          : fmt::format("{} pictures cannot be read and are left out; the first {} are named above",
                        unreadable.size(), kNamed));
}

}  // namespace kindred::tools
