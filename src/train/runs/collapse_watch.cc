#include "train/runs/collapse_watch.h"

#include <fmt/format.h>

#include <cmath>

namespace kindred {
namespace {

constexpr double kAlike = 0.95;  // mean cosine of different classes; networks begin nearer to 1
constexpr Index kPatience = 50;  // than that, but leave it within some steps
constexpr Index kFewest = 10;    // steps of a run, to say anything

}  // namespace

bool CollapseWatch::look(Index step, double between_class_cosine) {
  if (std::isnan(between_class_cosine)) return false;
  step_ = step;
  cosine_ = between_class_cosine;
  ++looked_;
  in_a_row_ = cosine_ >= kAlike ? in_a_row_ + 1 : 0;
  if (in_a_row_ < kPatience || told_) return false;
  return told_ = true;
}

bool CollapseWatch::collapsed() const {
  return in_a_row_ >= kPatience || (in_a_row_ >= kFewest && in_a_row_ == looked_);
}

std::string CollapseWatch::text() const {
  return fmt::format(
      "the embeddings collapse: those of different classes are nearly the same (mean cosine {:.3f} "
      "at step {}, {} or more for {} steps); lower optimizer.learning_rate, begin pair losses with "
      "mining = \"semihard\", or add a softmax loss; if the pictures themselves are alike, "
      "`kindred inspect DATA.h5 --thumbnails sheet.png` shows it",
      cosine_, step_, kAlike, in_a_row_);
}

}  // namespace kindred
