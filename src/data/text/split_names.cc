#include "data/text/split_names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <vector>

#include "data/text/text_lines.h"

namespace kindred {
namespace {

struct Word {
  std::string_view text;
  std::uint8_t split;
};

constexpr std::array kWords{
    Word{"train", 0},   Word{"training", 0}, Word{"trn", 0},        Word{"trainval", 0},
    Word{"val", 1},     Word{"valid", 1},    Word{"validate", 1},   Word{"validation", 1},
    Word{"dev", 1},     Word{"eval", 1},     Word{"evaluation", 1}, Word{"test", 2},
    Word{"testing", 2}, Word{"tst", 2},      Word{"query", 2},      Word{"queries", 2},
    Word{"gallery", 2}, Word{"probe", 2},    Word{"t10k", 2},
};

// What stands beside a split without meaning a class: "train_images", "test_set", "xtrain".
constexpr std::array<std::string_view, 30> kNeutral{
    "images",     "image", "imgs",     "img",    "pictures", "pics",    "photos",   "photo",
    "faces",      "crops", "set",      "sets",   "split",    "data",    "dataset",  "folder",
    "samples",    "x",     "y",        "labels", "label",    "targets", "features", "vectors",
    "embeddings", "ids",   "bounding", "box",    "final",    "full"};

std::optional<std::uint8_t> split_of_word(std::string_view word) {
  const auto found =
      std::find_if(kWords.begin(), kWords.end(), [&](const Word& one) { return one.text == word; });
  return found == kWords.end() ? std::nullopt : std::optional(found->split);
}

bool is_neutral(std::string_view word) {
  return std::find(kNeutral.begin(), kNeutral.end(), word) != kNeutral.end() ||
         std::all_of(word.begin(), word.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

// A split and a neutral word without anything between them: "xtrain", "testimages", "val2017".
std::optional<std::uint8_t> split_of_joined(std::string_view word) {
  if (const auto split = split_of_word(word)) return split;
  for (std::size_t cut = 1; cut < word.size(); ++cut) {
    const std::string_view left = word.substr(0, cut);
    const std::string_view right = word.substr(cut);
    if (is_neutral(right)) {
      if (const auto split = split_of_word(left)) return split;
    }
    if (is_neutral(left)) {
      if (const auto split = split_of_word(right)) return split;
    }
  }
  return std::nullopt;
}

// Between what is neither letter nor digit, and before capitals ("trainX"), in small letters.
std::vector<std::string> words_of(const std::string& name) {
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    const bool letter = std::isalnum(c) != 0 || c >= 0x80;
    const bool capital =
        std::isupper(c) != 0 && i > 0 && std::islower(static_cast<unsigned char>(name[i - 1])) != 0;
    if ((!letter || capital) && !words.back().empty()) words.emplace_back();
    if (letter) words.back() += static_cast<char>(std::tolower(c));
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

}  // namespace

std::optional<std::uint8_t> split_named(const std::string& name) {
  return split_of_word(lower_case(name));
}

std::optional<std::uint8_t> split_of_folder(const std::string& name) {
  std::optional<std::uint8_t> found;
  for (const std::string& word : words_of(name)) {
    const auto split = split_of_joined(word);
    if (!split && !is_neutral(word)) return std::nullopt;
    if (split && found && found != split) return std::nullopt;
    if (split) found = split;
  }
  return found;
}

std::optional<std::uint8_t> split_in_name(const std::string& name) {
  std::optional<std::uint8_t> found;
  for (const std::string& word : words_of(name)) {
    if (const auto split = split_of_joined(word)) found = split;
  }
  return found;
}

}  // namespace kindred
