#include <algorithm>
#include <cmath>
#include <limits>

#include "core/lanes.h"
#include "loss/bases/batch_classes.h"
#include "loss/bases/cross_entropy_head.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kProxies = 4 * kLanes;  // proxies a task owns

/// One proxy p for each class, as an anchor for the rows of the batch:
///   1/|P⁺| Σ_{p in P⁺} log(1 + Σ_{x of p} e^(−α (s − margin)))
///     + 1/|P| Σ_p log(1 + Σ_{x not of p} e^(α (s + margin)))
/// s are cosines, P⁺ the proxies of the classes in the batch, P all.
class ProxyAnchor : public Loss {
 public:
  ProxyAnchor(const LossContext& context, ParameterTable& table, double alpha, double margin,
              double learning_rate_factor)
      : alpha_(alpha),
        margin_(margin),
        products_(context, table, {true, learning_rate_factor}),
        classes_(context.batch),
        kin_cosines_(context.batch),
        values_(blocks_of(context.classes, kProxies)),
        sums_(products_.parts().count()) {}

  void initialise(std::uint64_t seed, std::span<Scalar> parameters) override {
    products_.initialise(seed, parameters);
  }

  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override {
    classes_.group(input.labels);
    const auto present = static_cast<double>(std::max<Index>(classes_.count(), 1));
    const auto proxies = static_cast<double>(products_.classes());
    const double weight = output.weight;
    products_.begin(input);
    sums_.fill({});
    const std::span<const ClassBlock> blocks = products_.blocks();
    for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
      const ScalarView cosines = products_.forward(workers, input, *block);
      Sums& sums = sums_[block->part];
      take_kin_out(input, block->first, cosines);
      workers.for_blocks(cosines.cols(), kProxies, [&](Index begin, Index end, int) {
        values_[begin / kProxies] = 0;
        for (Index p = begin; p < end; p += kLanes) {
          values_[begin / kProxies] +=
              push_others(cosines, p, std::min(kLanes, end - p), weight / proxies);
        }
      });
      for (Index t = 0; t < blocks_of(cosines.cols(), kProxies); ++t) sums.others += values_[t];
      sums.kin += pull_kin(input, block->first, cosines, weight / present);
      products_.backward(workers, input, *block, cosines, output);
    }
    products_.finish(workers, input, output);
    products_.parts().gather(sums_.span());
    Sums all;
    for (const Sums& part : sums_.span()) {
      all.kin += part.kin;
      all.others += part.others;
    }
    return all.kin / present + all.others / proxies;
  }

 private:
  /// Of the proxies of a part.
  struct Sums {
    double kin = 0;
    double others = 0;
  };

  /// Where row i's own proxy stands among the block's, or -1.
  static Index own_column(const LossInput& input, Index i, Index first, Index count) {
    const auto column = static_cast<Index>(input.labels[static_cast<std::size_t>(i)]) - first;
    return column >= 0 && column < count ? column : -1;
  }

  /// Keeps each row's cosine with its own proxy, and puts a number in its place that the sums over
  /// others do not see.
  void take_kin_out(const LossInput& input, Index first, ScalarView cosines) {
    for (Index i = 0; i < cosines.rows(); ++i) {
      const Index own = own_column(input, i, first, cosines.cols());
      if (own < 0) continue;
      kin_cosines_[i] = cosines(i, own);
      cosines(i, own) = -std::numeric_limits<Scalar>::max();
    }
  }

  /// Σ over `count` proxies from column `p` on of log(1 + Σ e^(α (s + margin))); the cosines become
  /// `factor` times the gradient.
  double push_others(ScalarView cosines, Index p, Index count, double factor) const {
    const auto alpha = static_cast<Scalar>(alpha_);
    const auto margin = static_cast<Scalar>(margin_);
    Lanes greatest{};  // the exponent of 1
    for (Index i = 0; i < cosines.rows(); ++i) {
      greatest = max(greatest, (load(cosines.row(i) + p) + margin) * alpha);
    }
    LaneSum sums;
    for (Index i = 0; i < cosines.rows(); ++i) {
      sums.add(exp((load(cosines.row(i) + p) + margin) * alpha - greatest));
    }
    double value = 0;
    Scalar shares[kLanes] = {};
    for (Index l = 0; l < count; ++l) {
      const auto shift = static_cast<double>(greatest[l]);
      const double sum = sums.lane(l) + std::exp(-shift);
      value += shift + std::log(sum);
      shares[l] = static_cast<Scalar>(factor * alpha_ / sum);
    }
    const Lanes share = load(shares);
    for (Index i = 0; i < cosines.rows(); ++i) {
      Scalar* here = cosines.row(i) + p;
      store(here, exp((load(here) + margin) * alpha - greatest) * share);
    }
    return value;
  }

  /// Σ over proxies of log(1 + Σ e^(−α (s − margin))); writes the gradient of the own cosines.
  double pull_kin(const LossInput& input, Index first, ScalarView cosines, double factor) {
    double value = 0;
    for (Index c = 0; c < classes_.count(); ++c) {
      const std::span<const Index> members = classes_.members(c);
      const Index own = own_column(input, members.front(), first, cosines.cols());
      if (own < 0) continue;
      double greatest = 0;
      for (const Index i : members) greatest = std::max(greatest, kin_exponent(i));
      double sum = std::exp(-greatest);
      for (const Index i : members) sum += std::exp(kin_exponent(i) - greatest);
      value += greatest + std::log(sum);
      for (const Index i : members) {
        const double share = std::exp(kin_exponent(i) - greatest) / sum;
        cosines(i, own) = static_cast<Scalar>(-factor * alpha_ * share);
      }
    }
    return value;
  }

  double kin_exponent(Index i) const {
    return -alpha_ * (static_cast<double>(kin_cosines_[i]) - margin_);
  }

  double alpha_;
  double margin_;
  ClassProducts products_;
  BatchClasses classes_;
  Buffer<Scalar> kin_cosines_;  // of each row with its own proxy
  Buffer<double> values_;       // of each task
  Buffer<Sums> sums_;           // of each part
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& table,
                           State& /*state*/) {
  double margin = 0.1;
  double alpha = 32;
  HeadSettings head;
  section.read("margin", margin, "cosine above which kin, below whose negative others are fine",
               {-1, 1});
  section.read("alpha", alpha, "sharpness", {1e-3, 1e3});
  read_learning_rate_factor(section, head);
  return std::make_unique<ProxyAnchor>(context, table, alpha, margin, head.learning_rate_factor);
}

}  // namespace

LossEntry proxy_anchor_loss() {
  return {"proxy_anchor", "proxies as anchors for the batch (Kim et al. 2020)", LearnsFrom::classes,
          make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
