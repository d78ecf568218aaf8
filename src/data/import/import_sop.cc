#include <fmt/format.h>

#include <array>
#include <utility>

#include "data/import/import_formats.h"
#include "data/import/import_listing.h"
#include "data/import/import_names.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr std::array<std::pair<std::string_view, std::uint8_t>, 2> kLists{
    {{"Ebay_train.txt", 0}, {"Ebay_test.txt", 2}}};

}  // namespace

bool detect_sop(const SourceFiles& files) {
  return Listing::find(files, kLists[0].first) >= 0 || Listing::find(files, kLists[1].first) >= 0;
}

// A header line, then "IMAGE CLASS SUPER_CLASS PATH". The classes of the two lists differ.
ImportPlan plan_sop(const SourceFiles& files, const ImportOptions& /*options*/) {
  ImportPlan plan;
  plan.source = names_of(files);
  plan.numbered = true;
  plan.group_name = "super_class";
  plan.images = images_in_files(files);
  ListedImages listed(files, plan);
  for (const auto& [name, split] : kLists) {
    const Index file = Listing::find(files, name);
    if (file < 0) continue;
    const Listing list(files, file);
    for (const TextLine& line : list.lines()) {
      const auto fields = list.fields(line, 4, "IMAGE CLASS SUPER_CLASS PATH");
      if (&line == &list.lines()[0] && fields[0] == "image_id") continue;
      ImportItem item;
      item.path = fields[3];
      item.label = list.number(line, fields[1]);
      item.group = list.number(line, fields[2]);
      item.split = split;
      listed.add(std::move(item));
    }
  }
  listed.finish("Ebay_train.txt or Ebay_test.txt");
  return plan;
}

}  // namespace kindred
