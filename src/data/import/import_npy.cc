#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "data/arrays/npy_array.h"
#include "data/import/image_arrays.h"
#include "data/import/import_formats.h"
#include "data/import/import_names.h"
#include "data/text/split_names.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kMostBytes = Index{16} << 30;

/// The arrays of one split.
struct Part {
  std::vector<NpyArray> images;
  std::vector<NpyArray> labels;
};

struct Layout {
  Shape shape;
  bool planar = false;
};

// [N, H, W], [N, H, W, C] or [N, C, H, W]; rows of a square's size are squares, one or three.
Layout layout_of(const NpyArray& array) {
  const std::vector<Index>& s = array.shape;
  const auto small = [](Index extent) { return extent == 1 || extent == 3; };
  if (s.size() == 3) return {{.channels = 1, .height = s[1], .width = s[2]}};
  if (s.size() == 4 && small(s[3])) return {{.channels = s[3], .height = s[1], .width = s[2]}};
  if (s.size() == 4 && small(s[1]))
    return {{.channels = s[1], .height = s[2], .width = s[3]}, true};
  for (const Index channels : {1, 3}) {
    const auto side = static_cast<Index>(std::lround(std::sqrt(s.back() / channels)));
    if (s.size() == 2 && side > 1 && side * side * channels == s[1]) {
      return {{.channels = channels, .height = side, .width = side}, true};
    }
  }
  fail(ErrorKind::data,
       fmt::format("{}: has shape [{}]; images [N, H, W], [N, H, W, C] or [N, C, H, W] with 1 or 3 "
                   "channels are expected",
                   array.where, fmt::join(s, ", ")));
}

// Bytes as they are; other numbers as 0 to 255 where they are whole, or as 0 to 1.
std::vector<std::byte> bytes_of(const NpyArray& array) {
  double low = 0;
  double high = 0;
  bool whole = true;
  const Index count = array.count();
  for (Index i = 0; i < count; ++i) {
    const double value = array.element(i);
    if (!std::isfinite(value)) low = -1;
    low = std::min(low, value);
    high = std::max(high, value);
    whole = whole && value == std::floor(value);
  }
  if (low < 0 || high > 255 || (!whole && high > 1)) {
    fail(ErrorKind::data,
         fmt::format("{}: holds values from {} to {}; bytes, whole numbers of 0 to 255 or numbers "
                     "of 0 to 1 are expected",
                     array.where, low, high));
  }
  const double scale = whole && array.kind != 'b' && high > 1 ? 1 : 255;
  std::vector<std::byte> bytes(static_cast<std::size_t>(count));
  std::vector<Index> strides(array.shape.size());  // in stored order, of each axis
  Index stride = 1;
  for (std::size_t k = 0; k < strides.size(); ++k) {
    const std::size_t axis = array.columns_first ? k : strides.size() - 1 - k;
    strides[axis] = stride;
    stride *= array.shape[axis];
  }
  for (Index i = 0; i < count; ++i) {
    Index at = 0;
    for (Index axis = static_cast<Index>(strides.size()) - 1, left = i; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      at += left % array.shape[a] * strides[a];
      left /= array.shape[a];
    }
    bytes[static_cast<std::size_t>(i)] =
        static_cast<std::byte>(std::lround(scale * array.element(at)));
  }
  return bytes;
}

ImageArray image_array(NpyArray array) {
  const Layout layout = layout_of(array);
  ImageArray images;
  images.where = array.where;
  images.count = array.shape[0];
  images.shape = layout.shape;
  images.planar = layout.planar;
  images.record_bytes = layout.shape.size();
  check_image_size(layout.shape.height, layout.shape.width, array.where);
  if (array.bytes == 1 && array.kind == 'u' && !array.columns_first) {
    images.begin = static_cast<Index>(array.begin);
    images.bytes = std::move(array.file);
  } else {
    images.bytes = bytes_of(array);
  }
  return images;
}

bool is_npy(const SourceFile& file) { return file.name.ends_with(".npy"); }

}  // namespace

bool detect_npy(const SourceFiles& files) {
  return std::any_of(files.files().begin(), files.files().end(), is_npy);
}

// An array of two axes or more is images, one of [N] or [N, 1] labels; a split is what "train",
// "val" or "test" in a name says. An .npz is an archive of them.
ImportPlan plan_npy(const SourceFiles& files, const ImportOptions& /*options*/) {
  ImportPlan plan;
  plan.source = names_of(files);
  plan.numbered = true;
  std::map<int, Part> parts;
  for (Index i = 0; i < static_cast<Index>(files.files().size()); ++i) {
    if (!is_npy(files[i])) {
      plan.left_out.push_back(fmt::format("{}: is no NumPy array", files[i].where));
      continue;
    }
    NpyArray array = parse_npy(files.content(i, kMostBytes), files[i].where);
    const auto split = split_in_name(last_part(files[i].name));
    Part& part = parts[split ? *split : -1];
    const bool labels = array.shape.size() < 2 || (array.shape.size() == 2 && array.shape[1] == 1);
    (labels ? part.labels : part.images).push_back(std::move(array));
  }
  std::vector<ImageArray> arrays;
  Index place = 0;
  for (auto& [split, part] : parts) {
    if (part.images.size() != 1 || part.labels.size() != 1) {
      const std::string& where = part.images.empty() ? part.labels[0].where : part.images[0].where;
      fail(ErrorKind::data,
           fmt::format("{}: {} arrays of images and {} of labels [N] are of one split; one of each "
                       "is expected, splits are told by train, val or test in the name",
                       where, part.images.size(), part.labels.size()));
    }
    const std::vector<std::int64_t> labels = whole_numbers(part.labels[0]);
    arrays.push_back(image_array(std::move(part.images[0])));
    const ImageArray& images = arrays.back();
    if (images.count != static_cast<Index>(labels.size())) {
      fail(ErrorKind::data, fmt::format("{} has {} images, but {} has {} labels", images.where,
                                        images.count, part.labels[0].where, labels.size()));
    }
    for (Index i = 0; i < images.count; ++i) {
      ImportItem item;
      item.label = labels[static_cast<std::size_t>(i)];
      if (item.label < 0) {
        fail(ErrorKind::data, fmt::format("{}: row {} is {}; labels count from 0",
                                          part.labels[0].where, i, item.label));
      }
      item.path = fmt::format("{}#{:08}", last_part(images.where), i);
      item.place = place++;
      item.split = static_cast<std::uint8_t>(std::max(split, 0));
      plan.items.push_back(std::move(item));
    }
  }
  if (plan.items.empty()) {
    fail(ErrorKind::data,
         fmt::format("{}: holds no NumPy arrays (.npy)", fmt::join(files.sources(), " ")));
  }
  plan.images = images_in_arrays(std::move(arrays));
  return plan;
}

}  // namespace kindred
