#include "train/picture_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "command.h"

namespace kindred::tools {
namespace {

constexpr std::size_t kListed = 5;

void tell(const std::vector<std::string>& lines, const char* what) {
  if (lines.empty()) return;
  note(fmt::format("{} {}:", lines.size(), what));
  for (std::size_t i = 0; i < std::min(lines.size(), kListed); ++i) note("  " + lines[i]);
  if (lines.size() > kListed) note(fmt::format("  and {} more", lines.size() - kListed));
}

}  // namespace

void tell_left_out(const ImportReport& report) {
  tell(report.skipped, "files left out");
  tell(report.unreadable, "pictures that cannot be read, left out");
  tell(report.duplicates, "pictures that are equal to an earlier one, kept");
  std::string text =
      fmt::format("{} pictures of {} classes, {} x {} x {}", report.samples, report.classes,
                  report.shape.height, report.shape.width, report.shape.channels);
  if (report.of_split[0] < report.samples) {
    text += fmt::format(": {} for training, {} for validation, {} for test", report.of_split[0],
                        report.of_split[1], report.of_split[2]);
  }
  note(text);
}

Json json_of_import(const ImportReport& report) {
  return {{"samples", report.samples},
          {"classes", report.classes},
          {"shape", {report.shape.height, report.shape.width, report.shape.channels}},
          {"split",
           {{"train", report.of_split[0]},
            {"validation", report.of_split[1]},
            {"test", report.of_split[2]}}},
          {"skipped", report.skipped},
          {"unreadable", report.unreadable},
          {"duplicates", report.duplicates},
          {"notes", report.notes}};
}

}  // namespace kindred::tools
