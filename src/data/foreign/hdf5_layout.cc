#include "data/foreign/hdf5_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>

#include "data/foreign/hdf5_finding.h"
#include "data/foreign/hdf5_fuel.h"
#include "data/text/text_encoding.h"
#include "data/text/text_lines.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

bool is_channels(Index extent) { return extent == 1 || extent == 3 || extent == 4; }

void find_shape(const Hdf5File& file, const Hdf5Candidate& images, const std::string& asked,
                Hdf5Layout& layout) {
  const std::vector<Index>& s = images.shape;
  const auto refuse_shape = [&](const std::string& why) {
    fail(ErrorKind::data,
         fmt::format("{} has shape [{}]; {}", file.where(images.name), fmt::join(s, ", "), why));
  };
  if (s.size() == 2 && asked.empty()) {
    layout.vectors = true;
    layout.shape = {.channels = s[1]};
    return;
  }
  bool first = asked == "nchw";
  if (s.size() == 2) {
    for (const Index channels : {1, 3}) {
      const auto side = static_cast<Index>(
          std::lround(std::sqrt(static_cast<double>(s[1]) / static_cast<double>(channels))));
      if (side * side * channels != s[1]) continue;
      layout.shape = {.channels = channels, .height = side, .width = side};
      layout.order = first ? AxisOrder::chw : AxisOrder::hwc;
      return;
    }
    refuse_shape("rows of one or three squares are expected where a layout is named");
  }
  if (s.size() == 3) {
    layout.shape = {.channels = 1, .height = s[1], .width = s[2]};
    if (images.matlab) std::swap(layout.shape.height, layout.shape.width);
    layout.order = images.matlab ? AxisOrder::cwh : AxisOrder::hwc;
    return;
  }
  if (s.size() != 4) refuse_shape("[N, height, width, channels] is expected");
  if (images.matlab && asked.empty()) {
    layout.shape = {.channels = s[1], .height = s[3], .width = s[2]};
    layout.order = AxisOrder::cwh;
    return;
  }
  if (asked.empty()) {
    first = is_channels(s[1]);
    if (first == is_channels(s[3])) {
      refuse_shape(
          "nothing tells which axis is the channels; say --layout nhwc or nchw, or layout "
          "in [data]");
    }
  }
  layout.order = first ? AxisOrder::chw : AxisOrder::hwc;
  layout.shape = first ? Shape{.channels = s[1], .height = s[2], .width = s[3]}
                       : Shape{.channels = s[3], .height = s[1], .width = s[2]};
}

// "NAME" or "NAME:COLUMN".
void find_named_labels(const Hdf5File& file, const Candidates& all, const std::string& asked,
                       Hdf5Layout& layout) {
  std::string name = asked;
  const std::size_t colon = asked.rfind(':');
  if (colon != asked.npos) {
    const char* const end = asked.data() + asked.size();
    if (std::from_chars(asked.data() + colon + 1, end, layout.label_column).ptr == end) {
      name.resize(colon);
    }
  }
  const Hdf5Candidate* labels = find_named(all, name);
  if (labels == nullptr) refuse_layout(file, all, fmt::format("has no data set /{}", name));
  if (!has_rows(*labels, layout.parts[0].count)) {
    refuse_layout(file, all,
                  fmt::format("/{} has {} rows, /{} has {}", name, labels->shape[0],
                              layout.parts[0].images, layout.parts[0].count));
  }
  layout.parts[0].labels = labels->name;
}

void find_second_file(const Hdf5File& file, LayoutPart& part) {
  const std::string other = labels_beside(file.path());
  if (other.empty()) return;
  const Hdf5File labels = Hdf5File::open(other);
  const Candidates all = list_candidates(labels);
  for (const Hdf5Candidate& c : all) {
    if (c.problem.empty() && (is_number(c) || c.kind == Hdf5Kind::text) &&
        has_rows(c, part.count) && (c.base == "y" || all.size() == 1)) {
      part.labels_file = other;
      part.labels = c.name;
    }
  }
}

std::string describe_layout(const Hdf5Layout& layout) {
  std::string text;
  constexpr std::array<const char*, 3> kSplits{"train", "validation", "test"};
  for (const LayoutPart& part : layout.parts) {
    if (!text.empty()) text += "; ";
    text += "/" + part.images;
    if (!part.labels.empty()) text += " with /" + part.labels;
    if (!part.class_name.empty()) text += fmt::format(" as class '{}'", part.class_name);
    if (layout.parts.size() > 1) {
      text += fmt::format(" as {}", kSplits[static_cast<std::size_t>(part.split)]);
    }
  }
  const char* order = layout.order == AxisOrder::chw   ? ", channels first"
                      : layout.order == AxisOrder::cwh ? ", columns first as MATLAB writes them"
                                                       : "";
  return text + order;
}

}  // namespace

std::string labels_beside(const std::string& path) {
  const std::size_t at = path.rfind("_x.");
  if (at == std::string::npos || path.find(":/") != std::string::npos) return "";
  std::string other = path;
  other[at + 1] = 'y';
  return exists(other) ? other : "";
}

bool is_our_layout(const Hdf5File& file) {
  if (file.has_attribute("", "format") || file.exists("vectors")) return true;
  if (!file.is_dataset("images")) return false;
  const Hdf5Dataset images = file.dataset("images");
  const std::vector<Index>& s = images.shape();
  const bool bytes =
      images.kind() == Hdf5Kind::integer && images.element_bytes() == 1 && !images.is_signed();
  return bytes && (s.size() != 4 || is_channels(s[3]) || !is_channels(s[1])) &&
         !file.has_attribute("images", "MATLAB_class");
}

Hdf5Layout find_layout(const Hdf5File& file, const DatasetNames& names) {
  const Candidates all = list_candidates(file);
  std::vector<FoundImages> images;
  if (names.images.empty()) {
    images = find_images(file, all);
  } else {
    const Hdf5Candidate* const c = find_named(all, names.images);
    if (c == nullptr) refuse_layout(file, all, fmt::format("has no data set /{}", names.images));
    if (!is_number(*c) || c->shape.size() < 2 || c->shape[0] == 0) {
      refuse_layout(file, all, fmt::format("/{} holds no images or vectors", names.images));
    }
    images.push_back({c, ""});
  }
  Hdf5Layout layout;
  find_shape(file, *images[0].candidate, names.layout, layout);
  for (const auto& [c, class_name] : images) {
    if (!same_samples(*c, *images[0].candidate)) {
      refuse_layout(file, all,
                    fmt::format("samples of /{} and /{} have different shapes",
                                images[0].candidate->name, c->name));
    }
    LayoutPart part{.file = file.path(), .images = c->name, .labels_file = file.path()};
    part.split = static_cast<Split>(std::max(c->split, 0));
    part.count = part.rows = c->shape[0];
    part.class_name = class_name;
    const Hdf5Candidate* labels =
        names.labels.empty() && class_name.empty() ? find_labels(file, all, *c) : nullptr;
    if (labels != nullptr) part.labels = labels->name;
    if (labels == nullptr && names.labels.empty() && class_name.empty()) {
      find_second_file(file, part);
    }
    layout.parts.push_back(std::move(part));
  }
  if (!names.labels.empty()) {
    if (layout.parts.size() > 1) {
      refuse_layout(file, all,
                    fmt::format("labels are named, but there are {} data sets of images; name "
                                "one of them",
                                layout.parts.size()));
    }
    find_named_labels(file, all, names.labels, layout);
  }
  apply_fuel_splits(file, layout);
  std::vector<std::string> labels;
  for (const LayoutPart& part : layout.parts) labels.push_back(part.labels);
  layout.class_names = find_class_names(all, labels);
  layout.description = describe_layout(layout);
  return layout;
}

Hdf5Layout find_listed_layout(const std::string& path, const DatasetNames& names) {
  const std::string text = decode_text(read_file(path, Index{1} << 24)).text;
  Hdf5Layout all;
  for (const TextLine& line : lines_of(text)) {
    const std::filesystem::path file =
        std::filesystem::path(path).parent_path() / std::string(line.text);
    Hdf5Layout layout = find_layout(Hdf5File::open(file.string()), names);
    if (all.parts.empty()) {
      all = std::move(layout);
      continue;
    }
    if (layout.shape != all.shape || layout.order != all.order || layout.vectors != all.vectors) {
      fail(ErrorKind::data, fmt::format("{}: line {}: samples of {} are not like those of {}", path,
                                        line.number, file.string(), all.parts[0].file));
    }
    all.parts.insert(all.parts.end(), layout.parts.begin(), layout.parts.end());
  }
  if (all.parts.empty()) fail(ErrorKind::data, fmt::format("{}: names no HDF5 files", path));
  return all;
}

}  // namespace kindred
