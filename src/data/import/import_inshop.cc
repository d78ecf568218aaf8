#include <fmt/format.h>

#include "data/import/import_formats.h"
#include "data/import/import_listing.h"
#include "data/import/import_names.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr std::string_view kList = "list_eval_partition.txt";
constexpr std::size_t kHeaderLines = 2;  // the number of images, the names of the columns

std::int64_t part_named(const Listing& list, const TextLine& line, std::string_view name) {
  if (name == "train") return 0;
  if (name == "query") return 1;
  if (name == "gallery") return 2;
  list.refuse(line, fmt::format("'{}' is neither train, query nor gallery", name));
}

}  // namespace

bool detect_inshop(const SourceFiles& files) { return Listing::find(files, kList) >= 0; }

// Two lines, then "PATH ITEM train|query|gallery". Queries and gallery are the test.
ImportPlan plan_inshop(const SourceFiles& files, const ImportOptions& /*options*/) {
  if (!detect_inshop(files)) {
    fail(ErrorKind::data, fmt::format("{}: holds no {}, as In-Shop Clothes Retrieval does",
                                      fmt::join(files.sources(), " "), kList));
  }
  ImportPlan plan;
  plan.source = names_of(files);
  plan.group_name = "evaluation";
  plan.images = images_in_files(files);
  const Listing list(files, Listing::find(files, kList));
  ListedImages listed(files, plan);
  for (std::size_t i = kHeaderLines; i < list.lines().size(); ++i) {
    const TextLine& line = list.lines()[i];
    const auto fields = list.fields(line, 3, "PATH ITEM train|query|gallery");
    ImportItem item;
    item.path = fields[0];
    item.class_name = fields[1];
    item.group = part_named(list, line, fields[2]);
    item.split = item.group == 0 ? 0 : 2;
    listed.add(std::move(item));
  }
  listed.finish(kList);
  return plan;
}

}  // namespace kindred
