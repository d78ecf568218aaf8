#include <algorithm>
#include <cmath>

#include "loss/lanes.h"
#include "loss/similarity.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kRows = 16;  // rows a task owns

/// The probability that a pair of two classes is more alike than a pair of one class, from the
/// histograms of both kinds' cosines over nodes t_r = −1 + 2r / bins:
///   loss = Σ_r h⁻_r · Σ_q<=r h⁺_q
/// A cosine between two nodes counts for each by its nearness; h⁺ and h⁻ sum to 1.
class Histogram : public Loss {
 public:
  Histogram(const LossContext& context, Index bins)
      : nodes_(bins + 1),
        pairs_(context, Measure::similarity, true),
        parts_((context.batch + kRows - 1) / kRows, 2 * nodes_),
        counts_(2 * nodes_),
        slopes_(2 * bins) {}

  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override {
    pairs_.measure(workers, input, [](Index, int) {});
    count(workers, input);
    const double kin = total(0);
    const double others = total(nodes_);
    report(output);
    if (kin == 0 || others == 0) return 0;
    const double value = compare(kin, others);
    workers.for_blocks(pairs_.batch(), kRows, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) write_gradient(i, input);
    });
    pairs_.backward(workers, output.weight, output);
    return value;
  }

 private:
  /// A cosine's place between the nodes.
  struct Place {
    Index below;   // node
    double share;  // of the node above
  };
  Place place_of(Scalar cosine) const {
    const auto bins = static_cast<double>(nodes_ - 1);
    const double at = std::clamp((static_cast<double>(cosine) + 1) / 2 * bins, 0.0, bins);
    const Index below = std::min(static_cast<Index>(at), nodes_ - 2);
    return {below, at - static_cast<double>(below)};
  }
  /// 0 for a pair of one class, 1 for a pair of two.
  static Index kind_of(const LossInput& input, Index i, Index j) {
    return input.labels[static_cast<std::size_t>(i)] == input.labels[static_cast<std::size_t>(j)]
               ? 0
               : 1;
  }

  /// counts_: both histograms, each pair once; rows by blocks, blocks from the first to the last.
  void count(const Workers& workers, const LossInput& input) {
    const Index batch = pairs_.batch();
    workers.for_blocks(batch, kRows, [&](Index begin, Index end, int) {
      double* part = parts_.row(begin / kRows);
      std::fill_n(part, 2 * nodes_, 0.0);
      for (Index i = begin; i < end; ++i) {
        const Scalar* cosines = pairs_.values().row(i);
        for (Index j = i + 1; j < batch; ++j) {
          const Place place = place_of(cosines[j]);
          double* histogram = part + kind_of(input, i, j) * nodes_ + place.below;
          histogram[0] += 1 - place.share;
          histogram[1] += place.share;
        }
      }
    });
    std::fill_n(counts_.data(), counts_.size(), 0.0);
    for (Index block = 0; block * kRows < batch; ++block) {
      for (Index r = 0; r < counts_.size(); ++r) counts_[r] += parts_(block, r);
    }
  }

  double total(Index first) const {
    double sum = 0;
    for (Index r = first; r < first + nodes_; ++r) sum += counts_[r];
    return sum;
  }

  /// The loss; slopes_ becomes d loss / d cosine between two nodes, for a pair of either kind.
  double compare(double kin, double others) {
    const double gap = 2 / static_cast<double>(nodes_ - 1);
    double below = 0;  // Σ h⁺ up to here
    double value = 0;
    for (Index r = 0; r < nodes_; ++r) {
      // Of a pair of two classes: φ⁺ of the node above less that of the node below.
      if (r > 0) slopes_[nodes_ - 1 + r - 1] = counts_[r] / kin / (gap * others);
      below += counts_[r] / kin;
      value += counts_[nodes_ + r] / others * below;
      // Of a pair of one class: Σ h⁻ from the node above on less that from the node below on.
      if (r + 1 < nodes_) slopes_[r] = -counts_[nodes_ + r] / others / (gap * kin);
    }
    return value;
  }

  /// Half of a pair's slope at each of its two places in the matrix.
  void write_gradient(Index i, const LossInput& input) {
    const Scalar* cosines = pairs_.values().row(i);
    Scalar* gradient = pairs_.gradient().row(i);
    for (Index j = 0; j < pairs_.batch(); ++j) {
      const double* slopes = slopes_.data() + kind_of(input, i, j) * (nodes_ - 1);
      gradient[j] =
          i == j ? Scalar{0} : static_cast<Scalar>(slopes[place_of(cosines[j]).below] / 2);
    }
  }

  void report(LossOutput& output) const {
    if (output.scalars == nullptr) return;
    const PairStatistics statistics = pairs_.statistics();
    output.scalars->push_back({"mean_similarity", statistics.mean});
    output.scalars->push_back({"similarity_spread", statistics.spread});
  }

  Index nodes_;
  PairMatrix pairs_;
  BasicMatrix<double> parts_;  // [blocks of rows, both histograms]
  Buffer<double> counts_;      // both histograms: of one class, of two
  Buffer<double> slopes_;      // both kinds, by the node below
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& /*table*/,
                           State& /*state*/) {
  Index bins = 100;
  section.read("bins", bins, "between cosines of -1 and 1", {1, 1e5});
  return std::make_unique<Histogram>(context, bins);
}

}  // namespace

LossEntry histogram_loss() {
  return {"histogram",
          "overlap of the cosines' histograms of kin and others (Ustinova et al. 2016)", true,
          false, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
