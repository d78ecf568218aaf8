#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "data/import/import_formats.h"
#include "data/import/import_names.h"
#include "data/text/split_names.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

using Parts = std::vector<std::string>;  // of a name: folders, then the file

class FileImages final : public ImportImages {
 public:
  explicit FileImages(const SourceFiles& files) : files_(files) {}
  void visit(std::span<const Index> wanted,
             FunctionRef<bool(Index place, FileContent content)> take) const override {
    files_.visit(wanted, take);
  }
  std::vector<std::byte> file(Index place) const override {
    return files_[place].path.empty() ? std::vector<std::byte>() : files_.content(place);
  }
  Image decode(Index place, std::span<const std::byte> bytes, int bits) const override {
    return decode_image(bytes, where(place), bits);
  }
  std::string where(Index place) const override { return files_[place].where; }

 private:
  const SourceFiles& files_;
};

/// How the images of one source lie: [COMMON/]CLASS/*, with a split folder somewhere or nowhere.
struct Arrangement {
  std::size_t common = 0;            ///< folders above everything
  std::optional<std::size_t> split;  ///< which folder names the split
};

// The folders that stand above all classes: each holds one folder alone, and next to no image.
std::size_t common_folders(const std::vector<Parts>& names) {
  std::size_t common = 0;
  for (std::size_t all = names.size();; ++common) {
    std::string folder;
    std::size_t inside = 0;
    std::size_t direct = 0;  // in that folder itself
    for (const Parts& name : names) {
      if (name.size() < common + 2) continue;  // lies beside it
      if (folder.empty()) folder = name[common];
      if (name[common] != folder) return common;
      ++inside;
      direct += name.size() == common + 2 ? 1U : 0U;
    }
    const bool few = direct <= std::max<std::size_t>(1, all / 10);
    if (inside == 0 || direct == inside || !few || split_of_folder(folder)) return common;
    all = inside;
  }
}

std::string folders_of(const std::set<std::string>& folders) {
  return fmt::format("{}/", fmt::join(folders, "/, "));
}

/// What the folders at one place of the names say.
struct Level {
  std::set<std::string> split_folders;
  std::set<std::string> other_folders;
  std::set<int> splits;
  Index fit = 0;     ///< images in split folders that have a class, too
  Index flat = 0;    ///< images in split folders that have none
  Index others = 0;  ///< images in folders beside

  Level(const std::vector<Parts>& names, std::size_t place, bool class_above) {
    for (const Parts& name : names) {
      if (name.size() < place + 2) continue;
      const auto split = split_of_folder(name[place]);
      if (!split) {
        other_folders.insert(name[place]);
        ++others;
        continue;
      }
      split_folders.insert(name[place]);
      splits.insert(*split);
      ++(class_above || name.size() > place + 2 ? fit : flat);
    }
  }
  bool nearly_all() const { return others * 9 <= fit; }
};

// Train and test must not become classes that are trained on together: where folders are called so,
// they are splits, or the caller says that they are not.
Arrangement arrangement_of(const std::vector<Parts>& names, const std::string& source,
                           ImportFolders folders, std::vector<std::string>& notes) {
  Arrangement found{.common = common_folders(names), .split = {}};
  if (folders == ImportFolders::classes) return found;
  const Level top(names, found.common, false);
  if (folders == ImportFolders::splits || (top.fit > 0 && top.others == 0) ||
      (top.fit > 0 && top.splits.size() > 1 && top.nearly_all())) {
    found.split = found.common;
    return found;
  }
  if (top.splits.size() > 1 && (top.fit > 0 || top.others == 0)) {
    fail(ErrorKind::data,
         top.fit > 0
             ? fmt::format("{}: {} are called as splits are, but {} of {} images lie beside them "
                           "({}); say --split-folders yes to `kindred import` (the others are left "
                           "out) or no (all are "
                           "classes)",
                           source, folders_of(top.split_folders), top.others,
                           top.others + top.fit + top.flat, folders_of(top.other_folders))
             : fmt::format("{}: {} are called as splits are, and hold no folders of classes; put "
                           "images into SPLIT/CLASS/, name a list of them, or say --split-folders "
                           "no where these are classes",
                           source, folders_of(top.split_folders)));
  }
  if (!top.split_folders.empty()) {
    notes.push_back(
        fmt::format("{}: {} is taken for a class like {}, not for a split; say "
                    "--split-folders yes where it is one",
                    source, folders_of(top.split_folders), folders_of(top.other_folders)));
  }
  std::size_t deepest = 0;
  for (const Parts& name : names) deepest = std::max(deepest, name.size());
  for (std::size_t place = found.common + 1; place + 1 < deepest; ++place) {
    const Level level(names, place, true);
    if (level.splits.size() > 1 && level.nearly_all()) {
      found.split = place;
      return found;
    }
  }
  return found;
}

void add_source(const SourceFiles& files, Index source, const ImportOptions& options,
                bool by_source, ImportPlan& plan) {
  std::vector<Parts> names;
  std::vector<Index> places;
  for (Index i = 0; i < static_cast<Index>(files.files().size()); ++i) {
    const SourceFile& file = files[i];
    if (file.source != source) continue;
    if (!is_image_name(file.name)) {
      plan.left_out.push_back(fmt::format("{}: {}", file.where, why_no_image(file.name)));
      continue;
    }
    names.push_back(SourceFiles::parts(file.name));
    places.push_back(i);
  }
  const std::string& path = files.sources()[static_cast<std::size_t>(source)];
  const Arrangement found = arrangement_of(names, path, options.folders, plan.notes);
  const auto own_split = by_source ? split_of_folder(source_stem(files, source)) : std::nullopt;
  std::map<std::string, std::uint8_t> split_folders;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Parts& name = names[i];
    const SourceFile& file = files[places[i]];
    ImportItem item;
    item.path = file.name;
    item.place = places[i];
    item.source = source;
    item.split = own_split.value_or(0);
    const std::size_t folders = name.size() - 1;
    if (found.split && folders > *found.split) {
      const auto split = split_of_folder(name[*found.split]);
      if (!split) {
        plan.left_out.push_back(file.where + ": lies in no folder of a split");
        continue;
      }
      item.split = *split;
      split_folders.emplace(name[*found.split], *split);
    }
    for (std::size_t k = found.common; k < folders; ++k) {
      if (k == found.split) continue;
      item.class_name += (item.class_name.empty() ? "" : "/") + name[k];
    }
    const bool in_place = !found.split || folders > *found.split;
    if (item.class_name.empty() || !in_place) {
      plan.left_out.push_back(file.where + ": lies in no folder of a class");
      continue;
    }
    plan.items.push_back(std::move(item));
  }
  for (const auto& [folder, split] : split_folders) {
    plan.notes.push_back(fmt::format("{}: folders called {}/ are for {}", path, folder,
                                     split == 0   ? "training"
                                     : split == 1 ? "validation"
                                                  : "the test"));
  }
}

}  // namespace

std::unique_ptr<ImportImages> images_in_files(const SourceFiles& files) {
  return std::make_unique<FileImages>(files);
}

bool detect_folder(const SourceFiles& files) {
  return std::any_of(files.files().begin(), files.files().end(), [](const SourceFile& file) {
    return (is_image_name(file.name) || !unread_kind_of_name(file.name).empty()) &&
           file.name.find('/') != file.name.npos;
  });
}

// [COMMON/][SPLIT/]CLASS/.../*.jpg, or CLASS/SPLIT/*.jpg: a class is all folders but the split's,
// joined by "/". Sources that are called train and test are splits themselves.
ImportPlan plan_folder(const SourceFiles& files, const ImportOptions& options) {
  ImportPlan plan;
  plan.source = names_of(files);
  plan.images = images_in_files(files);
  plan.sources_are_splits =
      options.folders != ImportFolders::classes && sources_are_splits(files, plan.notes);
  for (Index source = 0; source < static_cast<Index>(files.sources().size()); ++source) {
    add_source(files, source, options, plan.sources_are_splits, plan);
  }
  if (plan.items.empty()) {
    fail(ErrorKind::data, fmt::format("{}: holds no images in class folders (CLASS/*.jpg): {}",
                                      fmt::join(files.sources(), " "), what_is_there(files)));
  }
  return plan;
}

}  // namespace kindred
