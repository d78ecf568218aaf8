#include "data/foreign/hdf5_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>

#include "data/foreign/hdf5_candidates.h"
#include "data/foreign/hdf5_fuel.h"
#include "data/text/text_lines.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

using Candidates = std::vector<Hdf5Candidate>;

// What others call things, the likeliest first. "" is a bare "train" or "test".
constexpr std::array<std::string_view, 11> kImageWords{
    "images", "image", "x", "imgs", "img", "data", "faces", "features", "inputs", "vectors", ""};
constexpr std::array<std::string_view, 7> kLabelWords{"labels", "label", "y", "targets",
                                                      "target", "ids",   "id"};
constexpr std::array<std::string_view, 4> kNameWords{"classes", "names", "categories", "labels"};

bool is_number(const Hdf5Candidate& c) {
  return c.problem.empty() && (c.kind == Hdf5Kind::integer || c.kind == Hdf5Kind::real);
}

template <typename Words>
std::size_t rank(const Words& words, const std::string& word) {
  return static_cast<std::size_t>(std::find(words.begin(), words.end(), word) - words.begin());
}

std::string list_of(const Candidates& candidates) {
  std::string list;
  for (std::size_t i = 0; i < std::min<std::size_t>(candidates.size(), 12); ++i) {
    list += (i == 0 ? "" : ", ") + describe(candidates[i]);
  }
  if (candidates.size() > 12) list += fmt::format(" and {} more", candidates.size() - 12);
  return list.empty() ? "no data sets" : list;
}

[[noreturn]] void refuse(const Hdf5File& file, const Candidates& all, const std::string& why) {
  const auto broken =
      std::find_if(all.begin(), all.end(), [](const auto& c) { return !c.problem.empty(); });
  fail(ErrorKind::data,
       fmt::format("{}: {}; it holds {}. Name them: --images NAME --labels NAME, or images and "
                   "labels in [data]{}",
                   file.path(), why, list_of(all),
                   broken == all.end() ? "" : fmt::format(" ({})", broken->problem)));
}

const Hdf5Candidate* named(const Candidates& all, std::string name) {
  while (name.starts_with('/')) name.erase(0, 1);
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.name == name; });
  return found == all.end() ? nullptr : &*found;
}

// The images: the data sets of the most axes that are called so, one a split.
std::vector<const Hdf5Candidate*> find_images(const Hdf5File& file, const Candidates& all) {
  std::vector<const Hdf5Candidate*> found;
  for (const bool by_name : {true, false}) {
    for (const std::size_t axes : {std::size_t{4}, std::size_t{3}, std::size_t{2}}) {
      if (!by_name && axes == 2) break;  // any table of numbers has two axes
      for (const Hdf5Candidate& c : all) {
        const bool called = rank(kImageWords, c.base) < kImageWords.size();
        if (is_number(c) && c.shape.size() == axes && c.shape[0] > 0 && (called || !by_name)) {
          found.push_back(&c);
        }
      }
      if (!found.empty()) break;
    }
    if (!found.empty()) break;
  }
  if (found.empty()) refuse(file, all, "has no data set of images or vectors");
  std::stable_sort(found.begin(), found.end(), [](const auto* a, const auto* b) {
    return rank(kImageWords, a->base) < rank(kImageWords, b->base);
  });
  const std::string base = found[0]->base;
  std::erase_if(found, [&](const auto* c) { return c->base != base; });
  std::stable_sort(found.begin(), found.end(),
                   [](const auto* a, const auto* b) { return a->split < b->split; });
  for (std::size_t i = 1; i < found.size(); ++i) {
    if (found[i]->split == found[i - 1]->split) {
      refuse(file, all,
             fmt::format("/{} and /{} may both be the images", found[i - 1]->name, found[i]->name));
    }
  }
  return found;
}

bool has_rows(const Hdf5Candidate& c, Index rows) {
  const bool row_vector = c.matlab && c.shape.size() == 2 && c.shape[0] == 1 && c.shape[1] == rows;
  return !c.shape.empty() && (c.shape[0] == rows || row_vector);
}

const Hdf5Candidate* find_labels(const Hdf5File& file, const Candidates& all,
                                 const Hdf5Candidate& images) {
  std::vector<const Hdf5Candidate*> found;
  for (const Hdf5Candidate& c : all) {
    if (&c != &images && c.problem.empty() && c.kind != Hdf5Kind::other &&
        c.split == images.split && has_rows(c, images.shape[0]) &&
        rank(kLabelWords, c.base) < kLabelWords.size()) {
      found.push_back(&c);
    }
  }
  if (found.empty()) return nullptr;
  std::stable_sort(found.begin(), found.end(), [](const auto* a, const auto* b) {
    return rank(kLabelWords, a->base) < rank(kLabelWords, b->base);
  });
  if (found.size() > 1 && found[0]->base == found[1]->base) {
    refuse(file, all,
           fmt::format("/{} and /{} may both be the labels", found[0]->name, found[1]->name));
  }
  return found[0];
}

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
  const Hdf5Candidate* labels = named(all, name);
  if (labels == nullptr) refuse(file, all, fmt::format("has no data set /{}", name));
  if (!has_rows(*labels, layout.parts[0].count)) {
    refuse(file, all,
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
    if (c.problem.empty() && c.kind != Hdf5Kind::other && has_rows(c, part.count) &&
        (c.base == "y" || all.size() == 1)) {
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
  std::vector<const Hdf5Candidate*> images;
  if (names.images.empty()) {
    images = find_images(file, all);
  } else {
    images.push_back(named(all, names.images));
    if (images[0] == nullptr) refuse(file, all, fmt::format("has no data set /{}", names.images));
    if (!is_number(*images[0]) || images[0]->shape.size() < 2 || images[0]->shape[0] == 0) {
      refuse(file, all, fmt::format("/{} holds no images or vectors", names.images));
    }
  }
  Hdf5Layout layout;
  find_shape(file, *images[0], names.layout, layout);
  for (const Hdf5Candidate* c : images) {
    if (!std::equal(c->shape.begin() + 1, c->shape.end(), images[0]->shape.begin() + 1,
                    images[0]->shape.end())) {
      refuse(file, all,
             fmt::format("samples of /{} and /{} have different shapes", images[0]->name, c->name));
    }
    LayoutPart part{.file = file.path(), .images = c->name, .labels_file = file.path()};
    part.split = static_cast<Split>(std::max(c->split, 0));
    part.count = c->shape[0];
    const Hdf5Candidate* labels = names.labels.empty() ? find_labels(file, all, *c) : nullptr;
    if (labels != nullptr) part.labels = labels->name;
    if (labels == nullptr && names.labels.empty()) find_second_file(file, part);
    layout.parts.push_back(std::move(part));
  }
  if (!names.labels.empty()) {
    if (layout.parts.size() > 1) {
      refuse(file, all,
             fmt::format("labels are named, but there are {} data sets of images; name "
                         "one of them",
                         layout.parts.size()));
    }
    find_named_labels(file, all, names.labels, layout);
  }
  apply_fuel_splits(file, layout);
  for (const Hdf5Candidate& c : all) {
    const bool text = c.problem.empty() && c.kind == Hdf5Kind::text && c.shape.size() == 1;
    const bool taken = std::any_of(layout.parts.begin(), layout.parts.end(),
                                   [&](const auto& part) { return part.labels == c.name; });
    if (text && !taken && rank(kNameWords, c.base) < kNameWords.size()) {
      layout.class_names = c.name;
      break;
    }
  }
  layout.description = describe_layout(layout);
  return layout;
}

Hdf5Layout find_listed_layout(const std::string& path, const DatasetNames& names) {
  const std::vector<std::byte> bytes = read_file(path, Index{1} << 24);
  Hdf5Layout all;
  for (const TextLine& line :
       lines_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()})) {
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
