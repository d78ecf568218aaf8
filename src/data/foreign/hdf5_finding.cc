#include "data/foreign/hdf5_finding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "data/text/split_names.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

// What others call things, the likeliest first. "" is a bare "train" or "test".
constexpr std::array<std::string_view, 11> kImageWords{
    "images", "image", "x", "imgs", "img", "data", "faces", "features", "inputs", "vectors", ""};
constexpr std::array<std::string_view, 7> kLabelWords{"labels", "label", "y", "targets",
                                                      "target", "ids",   "id"};
constexpr std::array<std::string_view, 4> kNameWords{"classes", "names", "categories", "labels"};

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

bool is_labels(const Hdf5Candidate& c) {
  return c.problem.empty() && (is_number(c) || c.kind == Hdf5Kind::text);
}

using Found = std::vector<const Hdf5Candidate*>;

// Several data sets of a split are classes where each has a name and none has labels.
std::vector<FoundImages> as_classes(const Hdf5File& file, const Candidates& all,
                                    const Found& found) {
  std::vector<FoundImages> classes;
  std::set<std::pair<int, std::string>> known;
  for (const Hdf5Candidate* c : found) {
    const std::string name = class_in_path(*c);
    if (name.empty() || !same_samples(*c, *found[0]) || !known.emplace(c->split, name).second ||
        find_labels(file, all, *c) != nullptr) {
      return {};
    }
    classes.push_back({c, name});
  }
  return classes;
}

// Data sets of no known name: tables of numbers only where the file holds nothing else.
Found nameless_images(const Hdf5File& file, const Candidates& all) {
  for (const std::size_t axes : {std::size_t{4}, std::size_t{3}, std::size_t{2}}) {
    Found found;
    for (const Hdf5Candidate& c : all) {
      if (is_number(c) && c.shape.size() == axes && c.shape[0] > 0) found.push_back(&c);
    }
    const bool pictures =
        axes == 3 && found.size() > 1 && std::all_of(found.begin(), found.end(), [](const auto* c) {
          return c->shape[2] == 1 || c->shape[2] == 3 || c->shape[2] == 4;
        });
    if (pictures) {
      refuse_layout(file, all,
                    "seems to hold a picture in each data set, which is not read; write those "
                    "of a class together, as [N, height, width, channels]");
    }
    if (axes == 2 && (found.size() < 2 || found.size() < all.size())) return {};
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace

std::string class_in_path(const Hdf5Candidate& c) {
  std::string name;
  for (std::size_t begin = 0; begin <= c.name.size();) {
    const std::size_t end = std::min(c.name.find('/', begin), c.name.size());
    const std::string part = c.name.substr(begin, end - begin);
    const bool last = end == c.name.size();
    const bool image_word = last && rank(kImageWords, c.base) < kImageWords.size();
    if (!split_named(part) && !image_word) name += (name.empty() ? "" : "/") + part;
    begin = end + 1;
  }
  return name;
}

bool is_number(const Hdf5Candidate& c) {
  return c.problem.empty() && (c.kind == Hdf5Kind::integer || c.kind == Hdf5Kind::real);
}

bool has_rows(const Hdf5Candidate& c, Index rows) {
  const bool row_vector = c.matlab && c.shape.size() == 2 && c.shape[0] == 1 && c.shape[1] == rows;
  return !c.shape.empty() && (c.shape[0] == rows || row_vector);
}

bool same_samples(const Hdf5Candidate& a, const Hdf5Candidate& b) {
  return a.shape.size() == b.shape.size() &&
         std::equal(a.shape.begin() + 1, a.shape.end(), b.shape.begin() + 1);
}

const Hdf5Candidate* find_named(const Candidates& all, std::string name) {
  while (name.starts_with('/')) name.erase(0, 1);
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.name == name; });
  return found == all.end() ? nullptr : &*found;
}

[[noreturn]] void refuse_layout(const Hdf5File& file, const Candidates& all,
                                const std::string& why) {
  const auto find = [&](auto fits) { return std::find_if(all.begin(), all.end(), fits); };
  const auto broken = find([](const auto& c) { return !c.problem.empty(); });
  const auto pictures = find([](const auto& c) { return c.kind == Hdf5Kind::bytes; });
  const auto records = find([](const auto& c) { return c.kind == Hdf5Kind::records; });
  const bool arrays =
      find([](const auto& c) { return is_number(c) && c.shape.size() > 1; }) != all.end();
  std::string way;
  if (pictures != all.end()) {
    way = fmt::format(
        ". /{} holds bytes of variable length, as of picture files: `kindred import {} OUT.h5` "
        "decodes them",
        pictures->name, file.path());
  } else if (arrays) {
    way = ". Name them: --images NAME --labels NAME, or images and labels in [data]";
  } else if (records != all.end()) {
    way = fmt::format(". Columns of records (/{}) are not read: write each as an array of its own",
                      records->name);
  } else {
    way = ". Images are [N, height, width, channels], vectors [N, features]";
  }
  fail(ErrorKind::data,
       fmt::format("{}: {}; it holds {}{}{}", file.path(), why, list_of(all), way,
                   broken == all.end() ? "" : fmt::format(" ({})", broken->problem)));
}

const Hdf5Candidate* find_labels(const Hdf5File& file, const Candidates& all,
                                 const Hdf5Candidate& images) {
  std::vector<const Hdf5Candidate*> found;
  for (const Hdf5Candidate& c : all) {
    if (&c != &images && c.problem.empty() && is_labels(c) && c.split == images.split &&
        has_rows(c, images.shape[0]) && rank(kLabelWords, c.base) < kLabelWords.size()) {
      found.push_back(&c);
    }
  }
  if (found.empty()) return nullptr;
  std::stable_sort(found.begin(), found.end(), [](const auto* a, const auto* b) {
    return rank(kLabelWords, a->base) < rank(kLabelWords, b->base);
  });
  if (found.size() > 1 && found[0]->base == found[1]->base) {
    refuse_layout(
        file, all,
        fmt::format("/{} and /{} may both be the labels", found[0]->name, found[1]->name));
  }
  return found[0];
}

// The images: the data sets of the most axes that are called so, one a split, or one a class.
std::vector<FoundImages> find_images(const Hdf5File& file, const Candidates& all) {
  Found found;
  for (const std::size_t axes : {std::size_t{4}, std::size_t{3}, std::size_t{2}}) {
    for (const Hdf5Candidate& c : all) {
      if (is_number(c) && c.shape.size() == axes && c.shape[0] > 0 &&
          rank(kImageWords, c.base) < kImageWords.size()) {
        found.push_back(&c);
      }
    }
    if (!found.empty()) break;
  }
  const bool by_name = !found.empty();
  if (!by_name) found = nameless_images(file, all);
  if (found.empty()) refuse_layout(file, all, "has no data set of images or vectors");
  if (by_name) {
    std::stable_sort(found.begin(), found.end(), [](const auto* a, const auto* b) {
      return rank(kImageWords, a->base) < rank(kImageWords, b->base);
    });
    const std::string base = found[0]->base;
    std::erase_if(found, [&](const auto* c) { return c->base != base; });
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto* a, const auto* b) { return a->split < b->split; });
  const auto twice =
      std::adjacent_find(found.begin(), found.end(),
                         [](const auto* a, const auto* b) { return a->split == b->split; });
  if (twice != found.end()) {
    std::vector<FoundImages> classes = as_classes(file, all, found);
    if (!classes.empty()) return classes;
    refuse_layout(
        file, all,
        fmt::format("/{} and /{} may both be the images", (*twice)->name, twice[1]->name));
  }
  std::vector<FoundImages> images;
  for (const Hdf5Candidate* c : found) images.push_back({c, ""});
  return images;
}

std::string find_class_names(const Candidates& all, const std::vector<std::string>& labels) {
  for (const Hdf5Candidate& c : all) {
    const bool text = c.problem.empty() && c.kind == Hdf5Kind::text && c.shape.size() == 1;
    const bool taken = std::find(labels.begin(), labels.end(), c.name) != labels.end();
    if (text && !taken && rank(kNameWords, c.base) < kNameWords.size()) return c.name;
  }
  return "";
}

}  // namespace kindred
