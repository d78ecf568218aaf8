#include <algorithm>
#include <cmath>

#include "core/lanes.h"
#include "loss/bases/batch_classes.h"
#include "loss/bases/similarity.h"

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
        slopes_(2 * nodes_),
        classes_(context.batch),
        labels_(round_up(context.batch, kLanes)) {}

  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override {
    classes_.group(input.labels);
    for (Index i = 0; i < labels_.size(); ++i) {
      labels_[i] =
          i < input.embeddings.rows() ? static_cast<LaneInt>(classes_.class_of(i)) : LaneInt{-1};
    }
    pairs_.measure(workers, input, [](Index, int) {});
    count(workers);
    const double kin = total(0);
    const double others = total(nodes_);
    report(output);
    if (kin == 0 || others == 0) return 0;
    const double value = compare(kin, others);
    workers.for_blocks(pairs_.batch(), kRows, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) write_gradient(i);
    });
    pairs_.backward(workers, output.weight, output);
    return value;
  }

 private:
  /// Some cosines' places between the nodes.
  struct Places {
    IntLanes below;  // node; nodes_ further for a pair of two classes
    Lanes share;     // of the node above
  };
  Places places(Index i, Index j) const {
    const auto bins = static_cast<Scalar>(nodes_ - 1);
    const Lanes cosines = load(pairs_.values().row(i) + j);
    const Lanes at = min(max((cosines + 1) * (bins / 2), Lanes{}), broadcast(bins));
    const IntLanes node = to_int(at);
    const IntLanes below = select(node < static_cast<LaneInt>(nodes_ - 1), node, node - 1);
    const Lanes share = at - to_scalar(below);
    const IntLanes other = load(&labels_[j]) != labels_[i];
    return {select(other, below + static_cast<LaneInt>(nodes_), below), share};
  }

  /// counts_: both histograms, each pair once; rows by blocks, blocks from the first to the last.
  void count(const Workers& workers) {
    const Index batch = pairs_.batch();
    workers.for_blocks(batch, kRows, [&](Index begin, Index end, int) {
      double* part = parts_.row(begin / kRows);
      std::fill_n(part, 2 * nodes_, 0.0);
      for (Index i = begin; i < end; ++i) {
        for (Index j = i / kLanes * kLanes; j < batch; j += kLanes) {
          const Places at = places(i, j);
          LaneInt below[kLanes];
          Scalar shares[kLanes];
          store(below, at.below);
          store(shares, at.share);
          for (Index l = std::max<Index>(0, i + 1 - j); l < std::min(kLanes, batch - j); ++l) {
            double* histogram = part + below[l];
            const auto share = static_cast<double>(shares[l]);
            histogram[0] += 1 - share;
            histogram[1] += share;
          }
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

  /// The loss; slopes_ becomes half of d loss / d cosine between two nodes, for a pair of either
  /// kind.
  double compare(double kin, double others) {
    const double gap = 2 / static_cast<double>(nodes_ - 1);
    double below = 0;  // Σ h⁺ up to here
    double value = 0;
    for (Index r = 0; r < nodes_; ++r) {
      // Of a pair of two classes: φ⁺ of the node above less that of the node below.
      if (r > 0) {
        slopes_[nodes_ + r - 1] = static_cast<Scalar>(counts_[r] / kin / (2 * gap * others));
      }
      below += counts_[r] / kin;
      value += counts_[nodes_ + r] / others * below;
      // Of a pair of one class: Σ h⁻ from the node above on less that from the node below on.
      if (r + 1 < nodes_) {
        slopes_[r] = static_cast<Scalar>(-counts_[nodes_ + r] / others / (2 * gap * kin));
      }
    }
    return value;
  }

  /// Half of a pair's slope at each of its two places in the matrix.
  void write_gradient(Index i) {
    Scalar* gradient = pairs_.gradient().row(i);
    for (Index j = 0; j < pairs_.batch(); j += kLanes) {
      const Places at = places(i, j);
      LaneInt below[kLanes];
      store(below, at.below);
      for (Index l = 0; l < kLanes; ++l) gradient[j + l] = slopes_[below[l]];
    }
    gradient[i] = 0;
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
  Buffer<Scalar> slopes_;      // of both kinds, by the node below
  BatchClasses classes_;
  Buffer<LaneInt> labels_;  // class of each row within the batch; -1 behind the last
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
          "overlap of the cosines' histograms of kin and others (Ustinova et al. 2016)",
          LearnsFrom::pairs, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
