#include <fmt/format.h>

#include <map>

#include "data/import/import_plan.h"
#include "kindred/core/error.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {
namespace {

void refuse_image_options(const ImportPlan& plan, const ImportOptions& options) {
  if (!options.size.given() && !options.crop.given() && !options.crop_square &&
      options.colour == ImportColour::as_first) {
    return;
  }
  fail(ErrorKind::usage,
       fmt::format("{}: holds vectors; a size, a crop and colours are for images", plan.source));
}

}  // namespace

ImportReport write_vectors(const ImportPlan& plan, const std::vector<Index>& order,
                           const std::string& out_path, const ImportOptions& options,
                           ImportReport report) {
  refuse_image_options(plan, options);
  const Index width = plan.vectors.cols();
  std::vector<float> values;
  ImageColumns columns;
  std::map<std::string, std::int64_t> label_of;
  for (const Index i : order) label_of[plan.items[static_cast<std::size_t>(i)].class_name] = 0;
  std::int64_t next = 0;
  for (auto& [name, label] : label_of) label = next++;
  for (const Index i : order) {
    const ImportItem& item = plan.items[static_cast<std::size_t>(i)];
    const float* const row = plan.vectors.row(item.place);
    values.insert(values.end(), row, row + width);
    if (plan.has_labels) {
      columns.labels.push_back(plan.numbered ? item.label : label_of.at(item.class_name));
    }
    columns.split.push_back(item.split);
    columns.paths.push_back(item.path);
  }
  if (!plan.has_labels && options.split != ImportSplit::as_found) {
    fail(ErrorKind::usage, fmt::format("{}: has no labels to draw a split by", plan.source));
  }
  if (plan.has_labels && plan.numbered) columns.class_names = plan.class_names;
  if (plan.has_labels && !plan.numbered) {
    for (const auto& [name, label] : label_of) columns.class_names.push_back(name);
  }
  finish_columns(columns, options, report);
  Hdf5Writer writer(out_path);
  writer.attribute("/", "format", std::string("kindred data set"));
  writer.attribute("/", "version", std::int64_t{1});
  writer.attribute("/", "source", plan.source);
  const auto rows = static_cast<Index>(order.size());
  writer.write<float>("vectors", {rows, width}, values);
  write_columns(writer, columns);
  report.shape = {.channels = width};
  report.samples = rows;
  report.bytes = writer.finish();
  return report;
}

}  // namespace kindred
