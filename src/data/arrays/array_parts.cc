#include "data/arrays/array_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "data/archive/archive_process.h"
#include "data/text/mistaken_file.h"
#include "data/text/split_names.h"
#include "data/text/text_lines.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

constexpr Index kMostBytes = Index{16} << 30;

constexpr std::array<std::string_view, 11> kSampleWords{
    "images",   "image",  "x",       "imgs",       "data", "faces",
    "features", "inputs", "vectors", "embeddings", "arr"};
constexpr std::array<std::string_view, 9> kLabelWords{"labels", "label", "y",   "targets", "target",
                                                      "ids",    "id",    "pid", "class"};
constexpr std::array<std::string_view, 4> kNameWords{"classes", "names", "categories",
                                                     "classnames"};

// Words of a name but those that say a split: {"x"} of "x_train".
std::vector<std::string> own_words(const std::string& name) {
  std::vector<std::string> words(1);
  for (const char c : lower_case(name)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      words.back() += c;
    } else {
      words.emplace_back();
    }
  }
  std::erase_if(words, [](const std::string& word) { return word.empty(); });
  return words;
}

template <typename Words>
bool is_called(const std::string& name, const Words& known) {
  for (const std::string& word : own_words(name)) {
    for (const std::string_view one : known) {
      if (word == one) return true;
      // "xtrain", "trainx"
      if (split_in_name(word) && word != one && (word.starts_with(one) || word.ends_with(one)) &&
          split_named(word.starts_with(one) ? word.substr(one.size())
                                            : word.substr(0, word.size() - one.size()))) {
        return true;
      }
    }
  }
  return false;
}

bool is_column(const NpyArray& array) {
  return array.shape.size() == 1 || (array.shape.size() == 2 && array.shape[1] == 1);
}

std::string name_of_part(const std::string& file) {
  const std::string name = std::filesystem::path(file).filename().string();
  return lower_case(name).ends_with(".npy") ? name.substr(0, name.size() - 4) : name;
}

struct Sorted {
  std::vector<NamedArray> samples;
  std::vector<NamedArray> labels;
};

// Of several, those of known names before others.
template <typename Words>
void prefer_named(std::vector<NamedArray>& arrays, const Words& words,
                  std::vector<std::string>& left_out) {
  if (arrays.size() < 2) return;
  const auto called = [&](const NamedArray& one) { return is_called(one.name, words); };
  const auto named = std::count_if(arrays.begin(), arrays.end(), called);
  if (named == 0 || named == static_cast<std::ptrdiff_t>(arrays.size())) return;
  for (const NamedArray& one : arrays) {
    if (!called(one))
      left_out.push_back(one.array.where + ": is called neither samples nor labels");
  }
  std::erase_if(arrays, [&](const NamedArray& one) { return !called(one); });
}

std::string names_of_parts(const std::vector<NamedArray>& arrays) {
  std::string text;
  for (const NamedArray& one : arrays) {
    text += fmt::format("{}{} [{}]", text.empty() ? "" : ", ", one.name,
                        fmt::join(one.array.shape, ", "));
  }
  return text.empty() ? "none" : text;
}

}  // namespace

ArrayParts sort_arrays(std::vector<NamedArray> arrays, const std::string& where,
                       const ArrayNames& names) {
  ArrayParts result;
  std::map<int, Sorted> splits;
  for (NamedArray& one : arrays) {
    const auto split = split_in_name(one.name);
    Sorted& sorted = splits[split ? *split : -1];
    const NpyArray& array = one.array;
    const bool asked = !names.labels.empty() && one.name == names.labels;
    if (asked) {
      sorted.labels.insert(sorted.labels.begin(), std::move(one));
    } else if (!names.samples.empty() && one.name == names.samples) {
      sorted.samples.insert(sorted.samples.begin(), std::move(one));
    } else if (array.shape.empty()) {
      result.left_out.push_back(array.where + ": is a single value");
    } else if (array.is_text() && array.shape.size() == 1 && is_called(one.name, kNameWords)) {
      for (Index i = 0; i < array.count(); ++i) result.class_names.push_back(array.text(i));
    } else if (is_called(one.name, kLabelWords) || array.is_text()) {
      sorted.labels.push_back(std::move(one));
    } else if (is_called(one.name, kSampleWords)) {
      sorted.samples.push_back(std::move(one));
    } else {
      (is_column(array) ? sorted.labels : sorted.samples).push_back(std::move(one));
    }
  }
  std::erase_if(splits, [](const auto& entry) {
    return entry.second.samples.empty() && entry.second.labels.empty();
  });
  for (auto& [split, sorted] : splits) {
    if (names.samples.empty()) prefer_named(sorted.samples, kSampleWords, result.left_out);
    if (names.labels.empty()) prefer_named(sorted.labels, kLabelWords, result.left_out);
    const bool labels_named =
        !names.labels.empty() && !sorted.labels.empty() && sorted.labels[0].name == names.labels;
    const bool samples_named = !names.samples.empty() && !sorted.samples.empty() &&
                               sorted.samples[0].name == names.samples;
    if (sorted.samples.empty() || (sorted.samples.size() > 1 && !samples_named) ||
        (sorted.labels.size() > 1 && !labels_named)) {
      fail(
          ErrorKind::data,
          fmt::format("{}: {} arrays could be the samples of a split ({}) and {} its labels ({}); "
                      "one of each is expected: splits are told by train, val or test in the name, "
                      "labels by --labels NAME",
                      where, sorted.samples.size(), names_of_parts(sorted.samples),
                      sorted.labels.size(), names_of_parts(sorted.labels)));
    }
    ArrayPart part{.samples = std::move(sorted.samples[0]), .labels = {}, .split = split};
    if (!sorted.labels.empty()) part.labels = std::move(sorted.labels[0]);
    if (part.labels && part.labels->array.shape[0] != part.samples.array.shape[0]) {
      fail(ErrorKind::data, fmt::format("{} has {} samples, but {} has {} labels",
                                        part.samples.array.where, part.samples.array.shape[0],
                                        part.labels->array.where, part.labels->array.shape[0]));
    }
    result.parts.push_back(std::move(part));
  }
  if (result.parts.empty()) {
    fail(ErrorKind::data, fmt::format("{}: holds no NumPy arrays of samples", where));
  }
  return result;
}

std::pair<std::string, Index> name_and_column(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const auto column = colon == text.npos ? std::nullopt : whole_number(text.substr(colon + 1));
  return column ? std::pair{text.substr(0, colon), static_cast<Index>(*column)}
                : std::pair{text, Index{-1}};
}

std::vector<NamedArray> read_arrays(const std::string& path) {
  std::vector<NamedArray> arrays;
  if (beginning_of_file(path, 4) != "PK\3\4") {
    arrays.push_back({name_of_part(path), parse_npy(read_file(path, kMostBytes), path)});
    return arrays;
  }
  std::vector<std::string> names;
  ArchiveProcess list(path, kMostBytes);
  for (std::vector<ArchiveEntry> some = list.list(); !some.empty(); some = list.list()) {
    for (const ArchiveEntry& entry : some) {
      if (entry.refusal.empty() && lower_case(entry.name).ends_with(".npy")) {
        names.push_back(entry.name);
      }
    }
  }
  ArchiveProcess archive(path, kMostBytes);
  while (arrays.size() < names.size()) {
    const std::vector<FileContent> contents =
        archive.read({names.begin() + static_cast<std::ptrdiff_t>(arrays.size()), names.end()});
    if (contents.empty()) fail(ErrorKind::data, path + ": its reader went astray");
    for (const FileContent& content : contents) {
      if (!content.error.empty()) fail(ErrorKind::data, content.error);
      const std::string& name = names[arrays.size()];
      arrays.push_back(
          {name_of_part(name), parse_npy(content.bytes, fmt::format("{}: {}", path, name))});
    }
  }
  if (arrays.empty()) fail(ErrorKind::data, path + ": holds no NumPy arrays (.npy)");
  return arrays;
}

bool holds_arrays(const std::string& path) {
  const std::string beginning = beginning_of_file(path, 512);
  if (beginning.starts_with("\x93NUMPY")) return true;
  return mistaken_file(beginning, path).what.find(".npz") != std::string::npos;
}

}  // namespace kindred
