#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "data/archive/archive.h"
#include "data/arrays/idx_array.h"
#include "data/import/image_arrays.h"
#include "data/import/import_formats.h"
#include "data/import/import_names.h"
#include "data/isolation/isolated.h"
#include "data/text/split_names.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kMostIdxBytes = Index{8} << 30;  // unpacked
constexpr Index kMostRatio = 200;                // what is larger than so many times its file
constexpr Index kAlwaysRead = Index{256} << 20;  // and than this is taken for a bomb

IdxArray read_idx(const SourceFiles& files, Index place) {
  const std::string& where = files[place].where;
  std::vector<std::byte> bytes = files.content(place, kMostIdxBytes);
  if (!is_gzip(bytes)) return parse_idx(std::move(bytes), where);
  const Index most =
      std::clamp(kMostRatio * static_cast<Index>(bytes.size()), kAlwaysRead, kMostIdxBytes);
  const IsolationLimits limits{.memory = kAlwaysRead + 4 * most, .seconds = 600};
  return parse_idx(
      run_isolated(where, limits, [&] { return gunzip(std::move(bytes), most, where); }), where);
}

bool names_idx(const std::string& name) {
  return name.find("-idx") != name.npos || name.find(".idx") != name.npos;
}

/// The images and the labels of a part.
struct Part {
  Index images = -1;
  Index labels = -1;
};

}  // namespace

bool detect_idx(const SourceFiles& files) {
  return count_images(files) == 0 &&
         std::any_of(files.files().begin(), files.files().end(),
                     [](const SourceFile& file) { return names_idx(file.name); });
}

// "train-images-idx3-ubyte.gz" and "train-labels-idx1-ubyte.gz": a part is what stands before
// "images" and "labels".
ImportPlan plan_idx(const SourceFiles& files, const ImportOptions& /*options*/) {
  ImportPlan plan;
  plan.source = names_of(files);
  plan.numbered = true;
  std::map<std::pair<Index, std::string>, Part> parts;  // by source, where that is a folder
  for (Index i = 0; i < static_cast<Index>(files.files().size()); ++i) {
    const std::string& name = files[i].name;
    const bool alone = files[i].path == files.sources()[static_cast<std::size_t>(files[i].source)];
    const Index set = alone ? -1 : files[i].source;
    const std::size_t images = name.find("images");
    const std::size_t labels = name.find("labels");
    if (images != name.npos) {
      parts[{set, name.substr(0, images)}].images = i;
    } else if (labels != name.npos) {
      parts[{set, name.substr(0, labels)}].labels = i;
    } else {
      plan.left_out.push_back(
          fmt::format("{}: is called neither images nor labels", files[i].where));
    }
  }
  std::vector<ImageArray> arrays;
  Index place = 0;
  for (const auto& [key, part] : parts) {
    if (part.images < 0 || part.labels < 0) {
      fail(ErrorKind::data, fmt::format("{}: its {} are missing; name both files",
                                        files[std::max(part.images, part.labels)].where,
                                        part.images < 0 ? "images" : "labels"));
    }
    IdxArray images = read_idx(files, part.images);
    const IdxArray labels = read_idx(files, part.labels);
    if (images.shape.size() < 3 || labels.shape.size() != 1) {
      fail(
          ErrorKind::data,
          fmt::format("{} has shape [{}] and {} [{}]; images [N, height, width] and labels [N] are "
                      "expected",
                      images.where, fmt::join(images.shape, ", "), labels.where,
                      fmt::join(labels.shape, ", ")));
    }
    if (images.shape[0] != labels.shape[0]) {
      fail(ErrorKind::data, fmt::format("{} has {} images, but {} has {} labels", images.where,
                                        images.shape[0], labels.where, labels.shape[0]));
    }
    const Shape shape{.channels = images.shape.size() == 4 ? images.shape[3] : 1,
                      .height = images.shape[1],
                      .width = images.shape[2]};
    check_image_size(shape.height, shape.width, images.where);
    if (shape.channels != 1 && shape.channels != 3) {
      fail(ErrorKind::data,
           fmt::format("{}: has {} channels; 1 or 3 are expected", images.where, shape.channels));
    }
    const std::uint8_t split = split_in_name(key.second).value_or(0);
    for (Index i = 0; i < images.shape[0]; ++i) {
      ImportItem item;
      item.path = fmt::format("{}#{:08}", files[part.images].name, i);
      item.label =
          std::to_integer<std::int64_t>(labels.bytes[static_cast<std::size_t>(labels.begin + i)]);
      item.place = place++;
      item.source = files[part.images].source;
      item.split = split;
      plan.items.push_back(std::move(item));
    }
    arrays.push_back({.where = images.where,
                      .bytes = std::move(images.bytes),
                      .begin = images.begin,
                      .record_bytes = shape.size(),
                      .count = images.shape[0],
                      .shape = shape});
  }
  if (plan.items.empty()) {
    fail(ErrorKind::data, fmt::format("{}: holds no IDX files of images and labels",
                                      fmt::join(files.sources(), " ")));
  }
  plan.images = images_in_arrays(std::move(arrays));
  return plan;
}

}  // namespace kindred
