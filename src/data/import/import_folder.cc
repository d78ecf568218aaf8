#include <fmt/format.h>

#include <algorithm>

#include "data/import/import_formats.h"
#include "data/import/import_names.h"
#include "data/text/split_names.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

class FileImages final : public ImportImages {
 public:
  explicit FileImages(const SourceFiles& files) : files_(files) {}
  void visit(std::span<const Index> wanted,
             FunctionRef<bool(Index place, FileContent content)> take) const override {
    files_.visit(wanted, take);
  }
  Image decode(Index place, std::span<const std::byte> bytes) const override {
    if (files_[place].path.empty()) return decode_image(bytes, where(place));
    return decode_image(files_.content(place), where(place));
  }
  std::string where(Index place) const override { return files_[place].where; }

 private:
  const SourceFiles& files_;
};

// Folders that stand above everything else in a source ("faces/" of faces/anna/1.jpg, faces/...).
std::size_t common_folders(const std::vector<std::vector<std::string>>& names) {
  if (names.empty()) return 0;
  std::size_t common = names[0].size() - 1;
  for (const std::vector<std::string>& name : names) {
    std::size_t same = 0;
    while (same < common && same + 1 < name.size() && name[same] == names[0][same]) ++same;
    common = same;
  }
  return common;
}

bool sources_are_splits(const SourceFiles& files) {
  const auto count = static_cast<Index>(files.sources().size());
  for (Index source = 0; source < count; ++source) {
    if (!split_named(source_stem(files, source))) return false;
  }
  return count > 1;
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

// [COMMON/][SPLIT/]CLASS/.../*.jpg: a class is all folders below the split, joined by "/". Sources
// that are called train and test are splits themselves.
ImportPlan plan_folder(const SourceFiles& files, const ImportOptions& /*options*/) {
  ImportPlan plan;
  plan.source = names_of(files);
  plan.images = images_in_files(files);
  const auto source_count = static_cast<Index>(files.sources().size());
  const bool by_source = sources_are_splits(files);
  for (Index source = 0; source < source_count; ++source) {
    std::vector<std::vector<std::string>> names;
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
    std::size_t common = common_folders(names);
    const auto deep = [&](std::size_t folders) {
      return std::any_of(names.begin(), names.end(),
                         [&](const auto& name) { return name.size() > folders + 1; });
    };
    // A single class, or a single split, stands above everything, too.
    while (common > 0 && (!deep(common) || split_named(names[0][common - 1]))) --common;
    const std::string stem = source_stem(files, source);
    bool splits = !names.empty() && !by_source;
    for (const auto& name : names) {
      splits = splits && name.size() > common + 2 && split_named(name[common]);
    }
    const std::size_t first = common + (splits ? 1 : 0);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::vector<std::string>& name = names[i];
      const SourceFile& file = files[places[i]];
      if (name.size() < first + 2) {
        plan.left_out.push_back(fmt::format("{}: lies in no class folder", file.where));
        continue;
      }
      ImportItem item;
      item.path = by_source ? stem + "/" + file.name : file.name;
      item.place = places[i];
      item.class_name = fmt::format(
          "{}", fmt::join(name.begin() + static_cast<std::ptrdiff_t>(first), name.end() - 1, "/"));
      if (splits) item.split = *split_named(name[common]);
      if (by_source) item.split = *split_named(stem);
      plan.items.push_back(std::move(item));
    }
  }
  if (plan.items.empty()) {
    const std::string unread = unread_images(files);
    fail(ErrorKind::data,
         fmt::format("{}: holds no images in class folders (CLASS/*.jpg){}{}",
                     fmt::join(files.sources(), " "), unread.empty() ? "" : "; ", unread));
  }
  return plan;
}

}  // namespace kindred
