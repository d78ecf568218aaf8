#include "data/import/import_listing.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/import/import_names.h"
#include "data/text/text_encoding.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kLongestListing = Index{1} << 30;
constexpr int kMostSearches = 100;  // through all names, for the folder of the lists' paths

}  // namespace

Listing::Listing(const SourceFiles& files, Index file)
    : where_(files[file].where), text_(decode_text(files.content(file, kLongestListing)).text) {
  lines_ = lines_of(text_);
}

Index Listing::find(const SourceFiles& files, std::string_view last_part) {
  const auto found = std::find_if(
      files.files().begin(), files.files().end(),
      [&](const SourceFile& file) { return kindred::last_part(file.name) == last_part; });
  return found == files.files().end() ? -1 : found - files.files().begin();
}

std::vector<std::string_view> Listing::fields(const TextLine& line, std::size_t count,
                                              std::string_view expected) const {
  std::vector<std::string_view> fields = fields_of(line.text, " \t");
  if (fields.size() != count) {
    refuse(line, fmt::format("has {} fields; {} is expected", fields.size(), expected));
  }
  return fields;
}

std::int64_t Listing::number(const TextLine& line, std::string_view field) const {
  const auto number = whole_number(field);
  if (!number || *number < 1) refuse(line, fmt::format("'{}' is no number from 1 on", field));
  return *number;
}

void Listing::refuse(const TextLine& line, const std::string& why) const {
  fail(ErrorKind::data, fmt::format("{}: line {}: {}", where_, line.number, why));
}

ListedImages::ListedImages(const SourceFiles& files, ImportPlan& plan)
    : files_(files), plan_(plan), listed_(files.files().size()) {
  for (Index i = 0; i < static_cast<Index>(files.files().size()); ++i) {
    place_of_name_.emplace(name_key(files[i].name), i);
  }
}

void ListedImages::add(ImportItem item) {
  item.place = place_of(item.path);
  if (item.place < 0) {
    if (missing_++ == 0) first_missing_ = item.path;
    return;
  }
  listed_[static_cast<std::size_t>(item.place)] = true;
  plan_.items.push_back(std::move(item));
}

void ListedImages::finish(std::string_view lists) {
  if (plan_.items.empty()) {
    fail(ErrorKind::data, fmt::format("{}: none of the images that {} names is among the sources{}",
                                      fmt::join(files_.sources(), " "), lists,
                                      missing_ == 0 ? "" : ", as " + first_missing_));
  }
  if (missing_ > 0) {
    plan_.notes.push_back(fmt::format("{} images that {} names are not among the sources, as {}",
                                      missing_, lists, first_missing_));
  }
  for (Index i = 0; i < static_cast<Index>(files_.files().size()); ++i) {
    if (listed_[static_cast<std::size_t>(i)] || !is_image_name(files_[i].name)) continue;
    plan_.left_out.push_back(fmt::format("{}: is not in {}", files_[i].where, lists));
  }
}

Index ListedImages::place_of(const std::string& path) {
  const std::string key = name_key(path);
  if (!found_ && searches_ < kMostSearches) {
    ++searches_;
    const auto file =
        std::find_if(files_.files().begin(), files_.files().end(), [&](const SourceFile& one) {
          const std::string name = name_key(one.name);
          return name.ends_with(key) &&
                 (name.size() == key.size() || name[name.size() - key.size() - 1] == '/');
        });
    if (file == files_.files().end()) return -1;
    const std::string name = name_key(file->name);
    folder_ = name.substr(0, name.size() - key.size());
    found_ = true;
  }
  const auto place = place_of_name_.find(folder_ + key);
  return place == place_of_name_.end() ? -1 : place->second;
}

}  // namespace kindred
