#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "data/import/import_formats.h"
#include "data/import/import_names.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

/// What the name of an image says: "0002_c1s1_000451_03.jpg" is person 2 before camera 1.
struct Sighting {
  std::int64_t person = 0;
  std::int64_t camera = 0;
};

std::optional<Sighting> sighting_of(const std::string& name) {
  Sighting found;
  const char* const end = name.data() + name.size();
  const auto person = std::from_chars(name.data(), end, found.person);
  if (person.ec != std::errc() || !std::string_view(person.ptr, end).starts_with("_c")) return {};
  if (std::from_chars(person.ptr + 2, end, found.camera).ec != std::errc()) return {};
  return is_image_name(name) ? std::optional(found) : std::nullopt;
}

// The folder an image lies in; that is the source where its name has none.
std::string folder_of(const SourceFiles& files, const SourceFile& file) {
  const std::vector<std::string> parts = SourceFiles::parts(file.name);
  return parts.size() > 1 ? parts[parts.size() - 2] : source_stem(files, file.source);
}

}  // namespace

// By the names of images and of their folders both.
bool detect_market(const SourceFiles& files) {
  return nearly_all_images(files, [&](const SourceFile& file) {
    const std::string folder = folder_of(files, file);
    const bool known = folder == "query" || folder == "gallery" || folder.starts_with("gt_") ||
                       folder.starts_with("bounding_box_");
    const std::string name = last_part(file.name);
    return known && sighting_of(name) &&
           (name.starts_with('-') || name.find_first_not_of("0123456789") >= 4);
  });
}

// bounding_box_train is for training, query and bounding_box_test for the test. Labels are the
// persons' numbers, groups the cameras. Person -1 is junk. Person 0 are distractors: of any person,
// right for no query and no queries themselves. Each is a class of its own, so that none has a
// match.
ImportPlan plan_market(const SourceFiles& files, const ImportOptions& /*options*/) {
  ImportPlan plan;
  plan.source = names_of(files);
  plan.numbered = true;
  plan.group_name = "groups";
  plan.sources_are_sets = false;
  plan.images = images_in_files(files);
  std::vector<std::size_t> distractors;
  std::int64_t highest = 0;
  for (Index i = 0; i < static_cast<Index>(files.files().size()); ++i) {
    const SourceFile& file = files[i];
    const std::string name = last_part(file.name);
    const std::string folder = folder_of(files, file);
    const std::optional<Sighting> sighting = sighting_of(name);
    if (!sighting || folder.starts_with("gt_")) {
      plan.left_out.push_back(
          fmt::format("{}: is no PERSON_cCAMERA*.jpg of Market-1501", file.where));
      continue;
    }
    if (sighting->person < 0) {
      plan.left_out.push_back(fmt::format("{}: is junk (person {})", file.where, sighting->person));
      continue;
    }
    ImportItem item;
    item.path = folder + "/" + name;
    item.label = sighting->person;
    item.place = i;
    item.source = file.source;
    item.group = sighting->camera;
    item.split = folder == "query" || folder == "gallery" || folder == "bounding_box_test" ? 2 : 0;
    if (sighting->person == 0) distractors.push_back(plan.items.size());
    highest = std::max(highest, sighting->person);
    plan.items.push_back(std::move(item));
  }
  if (plan.items.empty()) {
    fail(ErrorKind::data,
         fmt::format("{}: holds no images named as Market-1501 does (0002_c1s1_000451_03.jpg)",
                     fmt::join(files.sources(), " ")));
  }
  std::sort(distractors.begin(), distractors.end(),
            [&](std::size_t a, std::size_t b) { return plan.items[a].path < plan.items[b].path; });
  for (std::size_t i = 0; i < distractors.size(); ++i) {
    plan.items[distractors[i]].label = highest + 1 + static_cast<std::int64_t>(i);
  }
  if (!distractors.empty()) {
    plan.notes.push_back(fmt::format(
        "{} distractors (person 0) are classes of their own, {} to {}: right for no "
        "query, and none finds a match as a query",
        distractors.size(), highest + 1, highest + static_cast<std::int64_t>(distractors.size())));
  }
  return plan;
}

}  // namespace kindred
