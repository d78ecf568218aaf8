#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

#include "data/import/import_plan.h"
#include "kindred/core/error.h"
#include "kindred/core/random.h"
#include "kindred/core/text.h"

namespace kindred {
namespace {

std::string class_of(const ImportPlan& plan, const ImportItem& item) {
  return plan.numbered ? std::to_string(item.label) : item.class_name;
}

bool wanted(const ImportPlan& plan, const ImportItem& item, const ImportOptions& options) {
  if (options.classes.empty()) return true;
  std::string name = class_of(plan, item);
  const auto label = static_cast<std::size_t>(item.label);
  if (plan.numbered && label < plan.class_names.size()) name = plan.class_names[label];
  return std::any_of(
      options.classes.begin(), options.classes.end(),
      [&](const std::string& pattern) { return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0; });
}

void check_unique(const ImportPlan& plan, const std::vector<Index>& order) {
  std::vector<const ImportItem*> sorted;
  for (const Index i : order) sorted.push_back(&plan.items[static_cast<std::size_t>(i)]);
  std::sort(sorted.begin(), sorted.end(), [](const ImportItem* a, const ImportItem* b) {
    return std::tie(a->path, a->place) < std::tie(b->path, b->place);
  });
  const auto twice = std::adjacent_find(
      sorted.begin(), sorted.end(),
      [](const ImportItem* a, const ImportItem* b) { return a->path == b->path; });
  if (twice == sorted.end()) return;
  fail(ErrorKind::data,
       fmt::format("{} comes twice, in {} and {}", (*twice)->path,
                   plan.images->where((*twice)->place), plan.images->where(twice[1]->place)));
}

}  // namespace

void make_names_valid(ImportPlan& plan) {
  std::vector<std::string*> classes;
  std::vector<std::string*> paths;
  for (std::string& name : plan.class_names) classes.push_back(&name);
  for (ImportItem& item : plan.items) {
    classes.push_back(&item.class_name);
    paths.push_back(&item.path);
  }
  const Index changed_classes = make_valid_utf8(classes);
  const Index changed_paths = make_valid_utf8(paths);
  plan.source = valid_utf8(plan.source);
  if (changed_classes + changed_paths == 0) return;
  plan.notes.push_back(
      fmt::format("names that are not UTF-8: {} of classes, {} of images; their other bytes stand "
                  "in the data set as \\xE9 does",
                  changed_classes, changed_paths));
}

Preparation preparation_of(const ImportPlan& plan, const ImportOptions& options) {
  return {.bits = options.bits,
          .inverted = plan.inverted,
          .crop = options.crop,
          .crop_square = options.crop_square,
          .grey = options.colour == ImportColour::grey,
          .size = options.size.given() ? options.size : plan.size,
          .bicubic = options.bicubic};
}

std::vector<Index> select_items(ImportPlan& plan, const ImportOptions& options,
                                ImportReport& report) {
  std::vector<Index> order;
  std::map<std::string, Index> counts;
  for (std::size_t i = 0; i < plan.items.size(); ++i) {
    if (!wanted(plan, plan.items[i], options)) continue;
    order.push_back(static_cast<Index>(i));
    ++counts[class_of(plan, plan.items[i])];
  }
  const std::size_t all = counts.size();
  const auto small = [&](Index i) {
    return counts.at(class_of(plan, plan.items[static_cast<std::size_t>(i)])) < options.min_samples;
  };
  if (options.min_samples > 1) {
    order.erase(std::remove_if(order.begin(), order.end(), small), order.end());
    const auto few = std::count_if(counts.begin(), counts.end(), [&](const auto& entry) {
      return entry.second < options.min_samples;
    });
    if (few > 0) {
      report.notes.push_back(
          fmt::format("{} of {} classes have fewer than {} samples and are left "
                      "out",
                      few, all, options.min_samples));
    }
  }
  if (order.empty()) {
    fail(ErrorKind::data,
         fmt::format("{}: no sample is left of {}; classes or min_samples ask for too much",
                     plan.source, plan.items.size()));
  }
  check_unique(plan, order);
  if (plan.in_order) return order;
  std::sort(order.begin(), order.end(), [&](Index a, Index b) {
    const ImportItem& x = plan.items[static_cast<std::size_t>(a)];
    const ImportItem& y = plan.items[static_cast<std::size_t>(b)];
    return std::tie(x.label, x.class_name, x.path) < std::tie(y.label, y.class_name, y.path);
  });
  return order;
}

void draw_split(const std::vector<std::int64_t>& labels, const ImportOptions& options,
                std::span<std::uint8_t> split) {
  std::map<std::int64_t, std::vector<std::size_t>> classes;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (split[i] == 0) classes[labels[i]].push_back(i);
  }
  const auto share_of = [](double share, Index count) {
    return static_cast<Index>(std::llround(share * static_cast<double>(count)));
  };
  const auto cut = [&](auto& items, Random random, auto assign) {
    const auto count = static_cast<Index>(items.size());
    shuffle(items.data(), count, random);
    const Index test = share_of(options.test_share, count);
    const Index validation = std::min(share_of(options.validation_share, count), count - test);
    for (Index i = 0; i < test + validation; ++i) {
      assign(items[static_cast<std::size_t>(i)],
             std::uint8_t{i < test ? std::uint8_t{2} : std::uint8_t{1}});
    }
  };
  if (options.split == ImportSplit::by_class) {
    std::vector<std::int64_t> names;
    for (const auto& [label, samples] : classes) names.push_back(label);
    cut(names, Random(options.seed, Purpose::split), [&](std::int64_t label, std::uint8_t to) {
      for (const std::size_t sample : classes.at(label)) split[sample] = to;
    });
    return;
  }
  for (auto& [label, samples] : classes) {
    cut(samples, Random(options.seed, Purpose::split, static_cast<std::uint64_t>(label)),
        [&](std::size_t sample, std::uint8_t to) { split[sample] = to; });
  }
}

void finish_columns(ImageColumns& columns, const ImportOptions& options, ImportReport& report) {
  const auto samples = static_cast<Index>(columns.split.size());
  std::vector<std::int64_t> different = columns.labels;
  std::sort(different.begin(), different.end());
  different.erase(std::unique(different.begin(), different.end()), different.end());
  report.classes = static_cast<Index>(different.size());
  if (options.split != ImportSplit::as_found) {
    draw_split(columns.labels, options, columns.split);
  }
  for (const std::uint8_t split : columns.split) ++report.of_split[split];
  // One split for all says nothing; without the column all is for training.
  if (report.of_split[columns.split[0]] == samples) {
    if (columns.split[0] != 0) {
      report.notes.emplace_back(
          "all samples are of one split: the data set says nothing of splits");
    }
    columns.split.clear();
    report.of_split = {samples, 0, 0};
  }
}

}  // namespace kindred
