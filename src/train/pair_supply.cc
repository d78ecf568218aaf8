#include "train/pair_supply.h"

#include <fmt/format.h>

#include <algorithm>

#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr double kSeldom = 0.1;  // of a batch's samples
constexpr const char* kOverClasses = "take a loss over classes, as name = \"softmax\"";

class PairSupply {
 public:
  PairSupply(const Setup& setup, const LossNeeds& loss)
      : setup_(setup), batch_(setup.sampler->pairs()), loss_(loss) {
    std::vector<Index> sizes(static_cast<std::size_t>(setup.set.classes));
    for (const TrainingSet::Entry& entry : setup.set.entries) {
      largest_class_ = std::max(largest_class_, ++sizes[static_cast<std::size_t>(entry.label)]);
    }
  }

  void check() const {
    if (setup_.set.classes < 2) {
      refuse("needs at least two classes, but the training set has one; add samples of another");
    }
    if (loss_.learns_from != LearnsFrom::pairs) return;
    if (largest_class_ < 2) {
      refuse(
          fmt::format("learns from pairs of one class, but each of the {} classes of the "
                      "training set has one sample; add samples, or {}",
                      setup_.set.classes, kOverClasses));
    }
    // A class comes again after at most two rounds of all.
    if (kin() == 0) miss("of one class", batch_.no_kin, 2 * setup_.set.classes);
    if (others() == 0) miss("of two classes", batch_.no_others, 8 * setup_.batch());
  }

  /// "" where pairs are many.
  std::string note() const {
    if (loss_.learns_from != LearnsFrom::pairs) return "";
    const double least = std::min(kin(), others());
    if (least >= kSeldom) return "";
    return fmt::format(
        "[[loss]] {} learns from pairs, but only about {:.2g} % of a batch's samples "
        "meet another {} in it; take the sampler name = \"pxk\"",
        loss_.name, 100 * least, kin() < others() ? "of their class" : "of another class");
  }

 private:
  /// With a memory, what it holds beside the batch brings pairs, too.
  double remembered() const {
    const auto past = static_cast<double>(loss_.memory - setup_.batch());
    return std::clamp(past / static_cast<double>(setup_.set.classes), 0.0, 1.0);
  }
  double kin() const { return std::max(batch_.kin, remembered()); }
  double others() const { return loss_.memory > setup_.batch() ? 1 : batch_.others; }

  [[noreturn]] void miss(const char* pairs, const std::string& why, Index memory) const {
    const std::string or_memory =
        !loss_.takes_memory
            ? std::string(" (it has no memory of past embeddings)")
            : fmt::format(", or give the loss memory = {}{}", std::max(memory, 2 * setup_.batch()),
                          loss_.memory > 0
                              ? fmt::format(" (memory = {} holds this batch alone)", loss_.memory)
                              : std::string());
    refuse(fmt::format("learns from pairs {}, but {}{}", pairs, why, or_memory));
  }
  [[noreturn]] void refuse(const std::string& why) const {
    fail(ErrorKind::recipe, fmt::format("{}: [[loss]] {} {}", setup_.origin, loss_.name, why));
  }

  const Setup& setup_;
  const BatchPairs& batch_;
  const LossNeeds& loss_;
  Index largest_class_ = 0;
};

}  // namespace

std::vector<std::string> check_pair_supply(const Setup& setup, const Objective& objective) {
  std::vector<std::string> notes;
  for (const LossNeeds& loss : objective.needs()) {
    if (loss.learns_from == LearnsFrom::targets) continue;
    const PairSupply supply(setup, loss);
    supply.check();
    if (const std::string note = supply.note(); !note.empty()) notes.push_back(note);
  }
  return notes;
}

}  // namespace kindred
