#include <cmath>
#include <numeric>

#include "core/lanes.h"
#include "loss/bases/cross_entropy_head.h"
#include "loss/unit_rows.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kClasses = 16;  // classes a task owns

struct SoftTripleSettings {
  double gamma = 0.1;
  double margin = 0.01;
  double tau = 0.2;
};

/// Cross-entropy of la · S over classes with several centers each, the own class's S lowered by
/// `margin`, plus a term that lets centers of a class merge:
///   S_c = Σ_k q_k s_k with q the softmax of s_k / gamma over the class's centers
///   tau / (C K (K − 1)) · Σ_c Σ_t<s ‖ŵ_t − ŵ_s‖
class SoftTriple : public CrossEntropyHead {
 public:
  SoftTriple(const LossContext& context, ParameterTable& table, const HeadSettings& head,
             const SoftTripleSettings& settings)
      : CrossEntropyHead(context, table, head),
        settings_(settings),
        classes_(context.classes),
        own_classes_(products().parts().own_classes()),
        unit_(own_classes_ * head.sub_centers, context.embedding),
        diff_unit_(own_classes_ * head.sub_centers, context.embedding),
        lengths_(own_classes_ * head.sub_centers),
        spreads_(own_classes_),
        sums_(products().parts().count()) {}

  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override {
    const double classified = CrossEntropyHead::compute(workers, input, output);
    return classified + merge_centers(workers, input, output);
  }

 private:
  Derived target(double product) const override { return {product - settings_.margin, 1}; }

  void reduce_row(const Scalar* products, Index classes, Scalar* values) const override {
    for (Index c = 0; c < classes; c += kLanes) {
      const SoftMaximum all(products + c, classes, classes - c, *this);
      store_most(values + c, classes - c, all.value);
    }
  }

  // dS/ds_k = q_k (1 + (s_k − S) / gamma)
  void spread_row(const Scalar* gradient, Index classes, Scalar* products) const override {
    const auto sharpness = static_cast<Scalar>(1 / settings_.gamma);
    for (Index c = 0; c < classes; c += kLanes) {
      const SoftMaximum all(products + c, classes, classes - c, *this);
      const Lanes factor = load_most(gradient + c, classes - c) / all.sum;
      for (Index k = 0; k < settings().sub_centers; ++k) {
        Scalar* here = products + k * classes + c;
        const Lanes s = load_most(here, classes - c);
        const Lanes e = exp((s - all.greatest) * sharpness);
        store_most(here, classes - c, factor * e * (1 + (s - all.value) * sharpness));
      }
    }
  }

  /// Of the products of a few classes with each of their centers.
  struct SoftMaximum {
    KINDRED_INLINE SoftMaximum(const Scalar* products, Index stride, Index count,
                               const SoftTriple& loss) {
      const auto sharpness = static_cast<Scalar>(1 / loss.settings_.gamma);
      const Index centers = loss.settings().sub_centers;
      greatest = load_most(products, count);
      for (Index k = 1; k < centers; ++k) {
        greatest = max(greatest, load_most(products + k * stride, count));
      }
      Lanes weighted{};  // of the differences from the greatest, which round less
      for (Index k = 0; k < centers; ++k) {
        const Lanes below = load_most(products + k * stride, count) - greatest;
        const Lanes e = exp(below * sharpness);
        sum += e;
        weighted += e * below;
      }
      value = greatest + weighted / sum;
    }

    Lanes greatest{};
    Lanes sum{};
    Lanes value{};
  };

  /// The value of the merging term; adds its gradient to the weights'.
  double merge_centers(const Workers& workers, const LossInput& input, LossOutput& output) {
    const Index k = settings().sub_centers;
    if (k < 2 || settings_.tau == 0) return 0;
    const Index offset = products().offset();
    const Index depth = input.unit.cols();
    const ConstScalarView weights(input.parameters.data() + offset, own_classes_ * k, depth);
    const ScalarView diff(output.diff_parameters.data() + offset, own_classes_ * k, depth);
    unit_rows(workers, weights, unit_, lengths_.span());
    const double factor = settings_.tau / static_cast<double>(classes_ * k * (k - 1));
    workers.for_blocks(own_classes_, kClasses, [&](Index begin, Index end, int) {
      for (Index c = begin; c < end; ++c) {
        double& spread = spreads_[c];
        spread = 0;
        diff_unit_.view().rows_from(c * k, k).fill(0);
        for (Index s = c * k; s < (c + 1) * k; ++s) {
          for (Index t = c * k; t < s; ++t) {
            spread += pull(t, s, factor * static_cast<double>(output.weight));
          }
        }
      }
    });
    unit_rows_backward(workers, unit_, lengths_.span(), diff_unit_, diff);
    return factor * sum_of_spreads();
  }

  /// Part by part, and then over them.
  double sum_of_spreads() {
    ClassParts& parts = products().parts();
    const double* spread = spreads_.data();
    for (Index part = parts.first(); part < parts.end(); ++part) {
      const Index count = parts.class_count(part);
      sums_[part] = std::accumulate(spread, spread + count, 0.0);
      spread += count;
    }
    parts.gather(sums_.span());
    return std::accumulate(sums_.data(), sums_.data() + sums_.size(), 0.0);
  }

  /// ‖ŵ_t − ŵ_s‖; adds `factor` times its gradient.
  double pull(Index t, Index s, double factor) {
    const Scalar* a = unit_.row(t);
    const Scalar* b = unit_.row(s);
    const double distance = std::sqrt(squared_difference(a, b, unit_.cols()));
    if (distance == 0) return 0;
    const auto step = static_cast<Scalar>(factor / distance);
    for (Index d = 0; d < unit_.cols(); ++d) {
      diff_unit_(t, d) += step * (a[d] - b[d]);
      diff_unit_(s, d) -= step * (a[d] - b[d]);
    }
    return distance;
  }

  SoftTripleSettings settings_;
  Index classes_;
  Index own_classes_;  // this rank's
  ScalarMatrix unit_;
  ScalarMatrix diff_unit_;
  Buffer<Scalar> lengths_;
  Buffer<double> spreads_;  // of each own class
  Buffer<double> sums_;     // of each part
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& table,
                           State& /*state*/) {
  HeadSettings head;
  head.normalize = true;
  head.scale = 20;
  head.sub_centers = 10;
  SoftTripleSettings settings;
  section.read("centers", head.sub_centers, "centers of each class", {1, 64});
  section.read("la", head.scale, "factor of the similarities (lambda)", {1e-6, 1e4});
  section.read("gamma", settings.gamma, "softness of the maximum over a class's centers",
               {1e-3, 1e3});
  section.read("margin", settings.margin, "taken from the own class's similarity (delta)", {0, 1});
  section.read("tau", settings.tau, "weight of the term that merges centers", {0, 1e3});
  read_learning_rate_factor(section, head);
  return std::make_unique<SoftTriple>(context, table, head, settings);
}

}  // namespace

LossEntry soft_triple_loss() {
  return {"soft_triple", "several centers a class, softly chosen and merged (Qian et al. 2019)",
          LearnsFrom::classes, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
