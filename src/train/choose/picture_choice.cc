#include "kindred/train/picture_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "train/choose/enough_classes.h"

namespace kindred {
namespace {

constexpr Index kAsTheyAre = 64;  // pictures of one size up to this are not resized
constexpr Index kLeastSide = 16;
constexpr double kMinutesForLarge = 20;  // more pixels than 64 x 64 want more time than they help
constexpr double kPasses = 10;           // over the pictures, that should fit into the time
// Pictures of 64 x 64 a minute that two threads of a modest machine train a small network on.
constexpr double kPicturesAMinute = 36000;

template <typename Value>
std::vector<double> sorted(const std::vector<Extent>& sizes, Value value) {
  std::vector<double> values;
  for (const Extent& size : sizes) values.push_back(value(size));
  std::sort(values.begin(), values.end());
  return values;
}

double at_share(const std::vector<double>& values, double share) {
  return values[static_cast<std::size_t>(
      std::lround(share * static_cast<double>(values.size() - 1)))];
}

bool all_of_one_size(const std::vector<Extent>& sizes) {
  return std::ranges::all_of(sizes, [&](const Extent& size) {
    return size.height == sizes[0].height && size.width == sizes[0].width;
  });
}

Index multiple_of_4(double side) {
  return std::max<Index>(kLeastSide, static_cast<Index>(side / 4 + 0.5) * 4);
}

/// The side of squares.
Index side_for(const PictureSurvey& survey, double own_side, double minutes) {
  if (own_side < 32) return std::max<Index>(kLeastSide, static_cast<Index>(own_side) / 4 * 4);
  Index side = 32;
  for (const Index larger : {48, 64, 96}) {
    if (static_cast<double>(larger) > own_side) break;
    if (larger > 64 && minutes < kMinutesForLarge) break;
    const double pixels = static_cast<double>(larger * larger) / (64 * 64);
    if (static_cast<double>(survey.pictures) * kPasses * pixels > kPicturesAMinute * minutes) break;
    side = larger;
  }
  return side;
}

std::string text_of(const Extent& size) { return fmt::format("{} x {}", size.height, size.width); }

std::string range_of(const std::vector<Extent>& sizes) {
  const auto area = [](const Extent& one, const Extent& other) {
    return one.height * one.width < other.height * other.width;
  };
  const auto [least, most] = std::minmax_element(sizes.begin(), sizes.end(), area);
  if (text_of(*least) == text_of(*most)) return text_of(*least);
  return fmt::format("{} to {}", text_of(*least), text_of(*most));
}

void choose_size(const PictureSurvey& survey, double minutes, PictureChoice& choice) {
  if (survey.sizes.empty()) return;
  ImportOptions& options = choice.options;
  const Extent& first = survey.sizes[0];
  const auto height = [](const Extent& size) { return static_cast<double>(size.height); };
  const auto width = [](const Extent& size) { return static_cast<double>(size.width); };
  const auto ratios = sorted(survey.sizes, [&](const Extent& s) { return height(s) / width(s); });
  const auto sides =
      sorted(survey.sizes, [&](const Extent& s) { return std::min(height(s), width(s)); });
  const auto seen = static_cast<Index>(survey.sizes.size());
  if (all_of_one_size(survey.sizes) && std::max(first.height, first.width) <= kAsTheyAre &&
      std::min(first.height, first.width) >= kLeastSide) {
    options.size = first;  // of the few that were not looked at, too
    choice.why.push_back(fmt::format("pictures stay as they are, {} pixels", text_of(first)));
    return;
  }
  const double side = static_cast<double>(side_for(survey, at_share(sides, 0.5), minutes));
  // Most are upright, or most lie, as pictures of people or of cars do.
  constexpr double kElongated = 1.4;
  const bool upright = at_share(ratios, 0.25) >= kElongated;
  const bool lying = at_share(ratios, 0.75) <= 1 / kElongated;
  if (upright || lying) {
    const double ratio = std::sqrt(std::clamp(at_share(ratios, 0.5), 1.0 / 3, 3.0));
    options.size = {multiple_of_4(side * ratio), multiple_of_4(side / ratio)};
  } else {
    const auto pixels = static_cast<Index>(side);
    options.size = {pixels, pixels};
    options.crop_square = true;
  }
  choice.why.push_back(fmt::format(
      "pictures of {} pixels become {}{}: their detail, and what {:.3g} minutes can "
      "be spent on",
      range_of(survey.sizes), text_of(options.size),
      options.crop_square ? ", the largest square in the middle of each" : "", minutes));
  const auto smaller = std::ranges::count_if(sides, [&](double own) { return own < side / 2; });
  if (smaller * 20 >= seen) {
    choice.why.push_back(
        fmt::format("{} of {} pictures looked at are less than half that large and get blurred",
                    smaller, seen));
  }
}

void choose_colour(const PictureSurvey& survey, PictureChoice& choice) {
  const auto seen = static_cast<Index>(survey.sizes.size());
  if (seen == 0) return;
  const bool grey = survey.grey * 20 >= seen * 19;  // the odd coloured one is no reason
  choice.options.colour = grey ? ImportColour::grey : ImportColour::rgb;
  choice.why.push_back(
      grey ? fmt::format("grey: {} of {} pictures looked at have no colours", survey.grey, seen)
           : std::string("three channels: they have colours"));
}

void choose_split(const PictureSurvey& survey, PictureChoice& choice) {
  ImportOptions& options = choice.options;
  std::vector<Index> sizes = survey.folder_sizes;
  std::erase_if(sizes, [&](Index size) { return size < options.min_samples; });
  const auto classes = static_cast<Index>(sizes.size());
  if (classes >= kEnoughClasses) {
    const Index kept = validation_classes_of(classes);
    options.split = ImportSplit::by_class;
    options.validation_share = static_cast<double>(kept) / static_cast<double>(classes);
    choice.why.push_back(
        fmt::format("validation: {} of {} classes are kept out of training, whole", kept, classes));
    return;
  }
  constexpr Index kLeastSamples = 8;  // of which 2 are enough to find each other
  if (classes < 2 || sizes[sizes.size() / 2] < kLeastSamples) {
    choice.why.push_back(
        "validation: none, there are too few classes and too few pictures of each to spare some");
    return;
  }
  options.split = ImportSplit::by_sample;
  options.validation_share = sizes[sizes.size() / 2] < 10 ? 0.25 : 0.2;
  choice.why.push_back(
      fmt::format("validation: {:.0f} % of the pictures of each class; {} classes are too few to "
                  "keep whole ones out of training",
                  options.validation_share * 100, classes));
}

}  // namespace

PictureChoice choose_pictures(const PictureSurvey& survey, double minutes, bool split) {
  PictureChoice choice;
  choice.options.min_samples = 2;  // one alone has nothing to be near to
  choose_size(survey, minutes, choice);
  choose_colour(survey, choice);
  if (split && !survey.has_validation && survey.pictures > 0) choose_split(survey, choice);
  return choice;
}

}  // namespace kindred
