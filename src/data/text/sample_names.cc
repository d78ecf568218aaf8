#include "data/text/sample_names.h"

#include "kindred/core/text.h"

namespace kindred {

std::string_view stem(std::string_view path) {
  path.remove_prefix(path.rfind('/') + 1);  // npos + 1 = 0
  const std::size_t dot = path.rfind('.');
  return dot == path.npos || dot == 0 ? path : path.substr(0, dot);
}

SampleNames::SampleNames(const std::vector<std::string>& paths) {
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto [entry, added] = rows_.try_emplace(paths[i], static_cast<Index>(i));
    if (!added) entry->second = kAmbiguous;
  }
  std::unordered_map<std::string, Index> stems;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto [entry, added] =
        stems.try_emplace(std::string(stem(paths[i])), static_cast<Index>(i));
    if (!added) entry->second = kAmbiguous;
  }
  rows_.merge(stems);
}

Index SampleNames::find(const std::string& name) const {
  const auto found = rows_.find(valid_utf8(name));
  return found == rows_.end() ? kMissing : found->second;
}

}  // namespace kindred
