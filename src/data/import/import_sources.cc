#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "data/import/import_names.h"
#include "data/import/import_plan.h"
#include "data/text/split_names.h"

namespace kindred {
namespace {

// Stems of the sources, told apart by a number where they are equal.
std::vector<std::string> names_of_sources(const SourceFiles& files) {
  std::vector<std::string> names;
  std::map<std::string, int> times;
  for (Index i = 0; i < static_cast<Index>(files.sources().size()); ++i) {
    const std::string stem = source_stem(files, i);
    const int time = ++times[stem];
    names.push_back(time == 1 ? stem : fmt::format("{}-{}", stem, time));
  }
  return names;
}

std::string class_shown(const ImportPlan& plan, const ImportItem& item) {
  if (!plan.numbered) return item.class_name;
  const auto label = static_cast<std::size_t>(item.label);
  return label < plan.class_names.size() ? plan.class_names[label] : std::to_string(item.label);
}

// A source that is one file is a part of a set (images, labels), not a set of its own.
bool is_a_set(const SourceFiles& files, Index source) {
  return std::none_of(files.files().begin(), files.files().end(), [&](const SourceFile& file) {
    return file.source == source && file.path == files.sources()[static_cast<std::size_t>(source)];
  });
}

bool a_path_comes_twice(const ImportPlan& plan) {
  std::set<std::string_view> paths;
  return std::any_of(plan.items.begin(), plan.items.end(),
                     [&](const ImportItem& item) { return !paths.insert(item.path).second; });
}

}  // namespace

bool sources_are_splits(const SourceFiles& files, std::vector<std::string>& notes) {
  const auto count = static_cast<Index>(files.sources().size());
  std::set<int> splits;
  std::vector<std::string> others;
  for (Index source = 0; source < count; ++source) {
    const auto split = split_of_folder(source_stem(files, source));
    if (split) splits.insert(*split);
    if (!split) others.push_back(source_stem(files, source));
  }
  if (count < 2 || splits.empty()) return false;
  if (!others.empty()) {
    notes.push_back(fmt::format("sources called train or test are splits; {} is for training",
                                fmt::join(others, ", ")));
  }
  return true;
}

void tell_sources_apart(const SourceFiles& files, const ImportOptions& options, ImportPlan& plan) {
  if (files.sources().size() < 2) return;
  const std::vector<std::string> names = names_of_sources(files);
  const auto name_of = [&](const ImportItem& item) -> const std::string& {
    return names[static_cast<std::size_t>(item.source)];
  };
  if (plan.sources_are_splits || options.prefix_sources || a_path_comes_twice(plan)) {
    for (ImportItem& item : plan.items) item.path = name_of(item) + "/" + item.path;
  }
  if (options.prefix_sources) {
    for (ImportItem& item : plan.items) {
      item.class_name = name_of(item) + "/" + class_shown(plan, item);
      item.label = -1;
    }
    plan.numbered = false;
    plan.class_names.clear();
    return;
  }
  if (plan.sources_are_splits || !plan.sources_are_sets) return;
  std::map<std::string, std::set<Index>> sources_of;
  for (const ImportItem& item : plan.items) {
    if (is_a_set(files, item.source)) sources_of[class_shown(plan, item)].insert(item.source);
  }
  std::vector<std::string> shared;
  for (const auto& [name, sources] : sources_of) {
    if (sources.size() > 1) shared.push_back(name);
  }
  if (shared.empty()) return;
  plan.notes.push_back(
      fmt::format("{} of {} classes are in several sources, as '{}': they are taken for the same; "
                  "`kindred import --prefix-sources` keeps them apart",
                  shared.size(), sources_of.size(), shared[0]));
}

}  // namespace kindred
