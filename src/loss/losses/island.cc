#include <algorithm>
#include <cmath>

#include "core/lanes.h"
#include "loss/losses/center.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kClasses = 16;  // classes a task owns
constexpr Index kColumns = 16;  // columns a task owns

/// The center loss, and centers that also keep apart. With C classes whose center is not zero, ĉ
/// their unit centers:
///   loss = center loss + island / (C (C − 1)) · Σ_j Σ_k≠j (ĉ_j·ĉ_k + 1)
///   c_j ← c_j − alpha · (center loss's step + island / (C − 1) · Σ_k≠j d(ĉ_j·ĉ_k) / dc_j)
/// The sums over pairs go through Σ_k ĉ_k: the cost is C · D. The paper has a sum over pairs in
/// the value; the mean makes its size no matter of the number of classes.
class Island : public Center {
 public:
  Island(const LossContext& context, const CenterSettings& settings, double island, State& state)
      : Center(context, settings, state),
        island_(island),
        lengths_(context.classes),
        sum_(context.embedding),
        steps_(context.classes, context.embedding) {}

  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override {
    const double apart = push_apart(workers);
    const double together = Center::compute(workers, input, output);
    workers.for_blocks(steps_.rows(), kClasses, [&](Index begin, Index end, int) {
      for (Index c = begin; c < end; ++c) {
        for (Index k = 0; k < steps_.cols(); ++k) centers()(c, k) -= steps_(c, k);
      }
    });
    if (output.scalars != nullptr) output.scalars->push_back({"mean_center_cosine", apart - 1});
    return together + island_ * apart;
  }

 private:
  /// Fills steps_ from the centers as they are. Returns the mean of ĉ_j·ĉ_k + 1 over pairs.
  double push_apart(const Workers& workers) {
    const Index depth = steps_.cols();
    workers.for_blocks(steps_.rows(), kClasses, [&](Index begin, Index end, int) {
      for (Index c = begin; c < end; ++c) {
        lengths_[c] = std::sqrt(dot(centers().row(c), centers().row(c), depth));
      }
    });
    const auto count =
        static_cast<double>(std::count_if(lengths_.data(), lengths_.data() + lengths_.size(),
                                          [](double length) { return length > 0; }));
    workers.for_blocks(depth, kColumns, [&](Index begin, Index end, int) {
      for (Index k = begin; k < end; ++k) sum_[k] = 0;
      for (Index c = 0; c < steps_.rows(); ++c) {
        if (lengths_[c] == 0) continue;
        for (Index k = begin; k < end; ++k) sum_[k] += centers()(c, k) / lengths_[c];
      }
    });
    const double factor = count > 1 ? alpha() * island_ / (count - 1) : 0;
    workers.for_blocks(steps_.rows(), kClasses, [&](Index begin, Index end, int) {
      for (Index c = begin; c < end; ++c) set_step(c, factor);
    });
    if (count < 2) return 1;
    double squared = 0;
    for (Index k = 0; k < depth; ++k) squared += sum_[k] * sum_[k];
    return (squared - count) / (count * (count - 1)) + 1;
  }

  /// factor times the part of Σ_k≠c ĉ_k across ĉ_c, over ‖c‖.
  void set_step(Index c, double factor) {
    const Scalar* center = centers().row(c);
    double along = 0;
    for (Index k = 0; k < steps_.cols(); ++k) along += sum_[k] * static_cast<double>(center[k]);
    const double length = lengths_[c];
    for (Index k = 0; k < steps_.cols(); ++k) {
      const double across =
          length > 0 ? sum_[k] - along / (length * length) * static_cast<double>(center[k]) : 0;
      steps_(c, k) = length > 0 ? static_cast<Scalar>(factor * across / length) : Scalar{0};
    }
  }

  double island_;
  Buffer<double> lengths_;  // ‖c‖
  Buffer<double> sum_;      // Σ ĉ
  ScalarMatrix steps_;      // what the centers move by, apart from the center loss
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& /*table*/,
                           State& state) {
  const CenterSettings settings = read_center(section);
  double island = 10;
  section.read("island", island, "weight of the centers' cosines beside the center loss", {0, 1e4});
  return std::make_unique<Island>(context, settings, island, state);
}

}  // namespace

LossEntry island_loss() {
  return {"island", "the center loss with centers that keep apart (Cai et al. 2018)",
          LearnsFrom::classes, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
