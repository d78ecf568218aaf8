#include "data/text/path_index.h"

#include <algorithm>
#include <numeric>

#include "data/text/text_encoding.h"
#include "kindred/core/text.h"

namespace kindred {
namespace {

std::string_view last_part_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string_view without_extension(std::string_view path) {
  return path.substr(0, path.size() - last_part_of(path).size() + stem(path).size());
}

// Whether `end` is the last parts of `path`, or all of it.
bool ends_with_parts(std::string_view path, std::string_view end) {
  return path.ends_with(end) &&
         (path.size() == end.size() || path[path.size() - end.size() - 1] == '/');
}

}  // namespace

std::string_view stem(std::string_view path) {
  path.remove_prefix(path.rfind('/') + 1);  // npos + 1 = 0
  const std::size_t dot = path.rfind('.');
  return dot == path.npos || dot == 0 ? path : path.substr(0, dot);
}

PathIndex::PathIndex(std::span<const std::string> paths) : by_last_part_(paths.size()) {
  for (const std::string& path : paths) keys_.push_back(name_key(path));
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const auto [entry, added] = whole_.try_emplace(keys_[i], static_cast<Index>(i));
    if (!added) entry->second = kAmbiguous;
  }
  std::iota(by_last_part_.begin(), by_last_part_.end(), Index{0});
  std::sort(by_last_part_.begin(), by_last_part_.end(), [&](Index a, Index b) {
    const std::string_view x = last_part_of(keys_[static_cast<std::size_t>(a)]);
    const std::string_view y = last_part_of(keys_[static_cast<std::size_t>(b)]);
    return x == y ? a < b : x < y;
  });
}

Index PathIndex::find(std::string_view name) {
  const Index found = find_key(name_key(name));
  if (found != kMissing || is_utf8(name)) return found;
  return find_key(name_key(from_windows_1252(name)));
}

Index PathIndex::find_key(const std::string& key) {
  if (key.empty()) return kMissing;
  const auto whole = whole_.find(key);
  if (whole != whole_.end()) return whole->second;
  Index found = find_end(key, true);
  if (found == kMissing) found = find_end(key, false);
  guessed_ = guessed_ || found >= 0;
  return found;
}

Index PathIndex::find_end(const std::string& key, bool with_extension) {
  const std::string last(last_part_of(key));
  const std::string begin = with_extension ? last : last + ".";
  const auto key_of = [&](Index i) -> const std::string& {
    return keys_[static_cast<std::size_t>(i)];
  };
  auto at = std::lower_bound(
      by_last_part_.begin(), by_last_part_.end(), begin,
      [&](Index i, const std::string& wanted) { return last_part_of(key_of(i)) < wanted; });
  Index found = kMissing;
  std::string more;
  for (; at != by_last_part_.end() && last_part_of(key_of(*at)).starts_with(begin); ++at) {
    const std::string_view path =
        with_extension ? std::string_view(key_of(*at)) : without_extension(key_of(*at));
    if (last_part_of(path) != last) continue;
    std::string more_here;
    if (!ends_with_parts(path, key)) {
      if (!ends_with_parts(key, path)) continue;
      more_here = key.substr(0, key.size() - path.size());
      if (more_ && *more_ != more_here) continue;
    }
    if (found != kMissing) return kAmbiguous;
    found = *at;
    more = more_here;
  }
  if (found >= 0 && !more.empty()) more_ = more;
  return found;
}

}  // namespace kindred
