#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "data/import/import_formats.h"
#include "data/import/import_listing.h"
#include "data/import/import_names.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr std::int64_t kMostClasses = 1'000'000;

std::vector<std::string> read_names(const Listing& list) {
  std::vector<std::string> names;
  for (const TextLine& line : list.lines()) {
    const auto fields = list.fields(line, 2, "CLASS NAME");
    if (list.number(line, fields[0]) != static_cast<std::int64_t>(names.size()) + 1) {
      list.refuse(line, "classes are expected in their order, from 1 on");
    }
    names.emplace_back(fields[1]);
  }
  return names;
}

}  // namespace

bool detect_cub(const SourceFiles& files) {
  return Listing::find(files, "image_class_labels.txt") >= 0 &&
         Listing::find(files, "images.txt") >= 0;
}

// images.txt: "IMAGE PATH", image_class_labels.txt: "IMAGE CLASS", classes.txt: "CLASS NAME", all
// from 1 on. Metric learning trains on the first half of the classes and tests on the others
// (Oh Song et al. 2016), whatever train_test_split.txt says.
ImportPlan plan_cub(const SourceFiles& files, const ImportOptions& /*options*/) {
  if (!detect_cub(files)) {
    fail(ErrorKind::data,
         fmt::format("{}: holds no images.txt and image_class_labels.txt, as CUB-200-2011 does",
                     fmt::join(files.sources(), " ")));
  }
  ImportPlan plan;
  plan.source = names_of(files);
  plan.numbered = true;
  plan.images = images_in_files(files);
  const Listing labels(files, Listing::find(files, "image_class_labels.txt"));
  std::unordered_map<std::int64_t, std::int64_t> class_of;
  std::int64_t classes = 0;
  for (const TextLine& line : labels.lines()) {
    const auto fields = labels.fields(line, 2, "IMAGE CLASS");
    const std::int64_t number = labels.number(line, fields[1]);
    if (number > kMostClasses) labels.refuse(line, "claims more than a million classes");
    class_of[labels.number(line, fields[0])] = number;
    classes = std::max(classes, number);
  }
  const Listing images(files, Listing::find(files, "images.txt"));
  ListedImages listed(files, plan);
  for (const TextLine& line : images.lines()) {
    const auto fields = images.fields(line, 2, "IMAGE PATH");
    const auto found = class_of.find(images.number(line, fields[0]));
    if (found == class_of.end()) images.refuse(line, "image_class_labels.txt gives it no class");
    ImportItem item;
    item.path = fields[1];
    item.label = found->second - 1;
    item.split = found->second <= classes / 2 ? 0 : 2;
    listed.add(std::move(item));
  }
  listed.finish("images.txt");
  const Index names = Listing::find(files, "classes.txt");
  if (names >= 0) plan.class_names = read_names(Listing(files, names));
  if (static_cast<std::int64_t>(plan.class_names.size()) < classes) plan.class_names.clear();
  return plan;
}

}  // namespace kindred
