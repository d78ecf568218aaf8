#include <fmt/format.h>

#include "data/import/import_plan.h"

namespace kindred {

void set_labels(ImportPlan& plan, std::vector<LabelValues> parts, const ImportOptions& options,
                Index column, std::vector<std::string> names) {
  const bool texts = !parts[0].texts.empty();
  const std::string where = parts[0].where;
  LabelReader reader(negative_labels_named(options.negative_labels), column);
  for (LabelValues& part : parts) reader.add(std::move(part));
  ClassLabels found = reader.finish(std::move(names));
  plan.notes.insert(plan.notes.end(), found.notes.begin(), found.notes.end());
  plan.numbered = !texts;
  std::vector<ImportItem> items;
  for (std::size_t i = 0; i < plan.items.size(); ++i) {
    ImportItem& item = plan.items[i];
    if (found.labels[i] < 0) {
      plan.left_out.push_back(fmt::format("{}: {}: has a negative label", where, item.path));
      continue;
    }
    item.label = texts ? -1 : found.labels[i];
    if (texts) item.class_name = found.class_names[static_cast<std::size_t>(found.labels[i])];
    items.push_back(std::move(item));
  }
  plan.items = std::move(items);
  if (!texts) plan.class_names = std::move(found.class_names);
}

}  // namespace kindred
