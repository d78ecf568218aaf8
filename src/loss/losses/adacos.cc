#include <algorithm>
#include <cmath>
#include <numbers>

#include "loss/bases/cross_entropy_head.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// Cross-entropy of cosines whose scale needs no tuning: s = √2 log(C − 1), or with `dynamic`, each
/// step, s ← log(B) / cos(min(π/4, θ)) with B the mean over rows of Σ_j≠y e^(s cos θ_j) and θ the
/// median of the rows' angles to their own class. The scale counts as a constant for the gradient.
class Adacos : public CrossEntropyHead {
 public:
  Adacos(const LossContext& context, ParameterTable& table, const HeadSettings& head, bool dynamic,
         State& state)
      : CrossEntropyHead(context, table, head),
        dynamic_(dynamic),
        scale_(state.add<double>(context.name + ".scale", {1})),
        cosines_(context.batch) {
    scale_[0] = head.scale;
  }

  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override {
    set_scale(scale_[0]);
    const double value = CrossEntropyHead::compute(workers, input, output);
    if (output.scalars != nullptr) output.scalars->push_back({"scale", scale_[0]});
    return value;
  }

 private:
  bool move_scale(Index batch, const Row* rows) override {
    if (!dynamic_ || batch == 0) return false;
    double others = 0;
    for (Index i = 0; i < batch; ++i) {
      others += std::max(0.0, rows[i].sum * std::exp(rows[i].greatest) - std::exp(rows[i].own));
      cosines_[i] = rows[i].own / scale_[0];
    }
    // The lower median of the angles: the upper one of the cosines.
    double* middle = cosines_.data() + batch / 2;
    std::nth_element(cosines_.data(), middle, cosines_.data() + batch);
    const double cosine = std::max(*middle, std::cos(std::numbers::pi / 4));
    const double scale = std::log(others / static_cast<double>(batch)) / cosine;
    if (!(scale >= 1)) return false;  // a single class, or all cosines far below zero
    scale_[0] = scale;
    set_scale(scale);
    return true;
  }

  bool dynamic_;
  std::span<double> scale_;
  Buffer<double> cosines_;
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& table,
                           State& state) {
  HeadSettings head;
  head.normalize = true;
  head.scale =
      std::numbers::sqrt2 * std::log(static_cast<double>(std::max<Index>(context.classes, 3)) - 1);
  bool dynamic = true;
  section.read("dynamic", dynamic,
               "the scale follows the batch; else it stays √2 log(classes - 1)");
  read_learning_rate_factor(section, head);
  read_class_share(section, head);
  return std::make_unique<Adacos>(context, table, head, dynamic, state);
}

}  // namespace

LossEntry adacos_loss() {
  return {"adacos", "cosines with a scale that sets itself (Zhang et al. 2019)",
          LearnsFrom::classes, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
