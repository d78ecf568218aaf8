#include "loss/losses/triplet.h"

#include <algorithm>

#include "loss/bases/row_math.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// Pulls each anchor nearer to its positive than to its negative by at least `margin`.
///   term(a, p, n) = max(0, d(a,p) − d(a,n) + margin), or softplus of the same with `soft`
///   loss = mean of the terms, over all or over those above zero
/// mining: which triplets. hard: the farthest positive and the nearest negative of each anchor;
/// semihard: all with 0 < d(a,n) − d(a,p) <= margin; all: every one; another miner: its kin with
/// its others. Ties go to the lower row.
/// swap: d(p,n) stands for d(a,n) where it is smaller (Balntas et al. 2016).
///
/// Positives of an anchor are few in a batch for embeddings, so that one vector pass over the
/// negatives for each of them needs no memory, and is faster than sorting the negatives up to
/// some hundred positives.
class Triplet : public PairLoss {
 public:
  Triplet(const LossContext& context, const TripletSettings& settings, PairSettings pairs,
          State& state)
      : PairLoss(context, std::move(pairs), state), settings_(settings) {}

  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override {
    margin_ = static_cast<Scalar>(settings_.margin.at(input, output));
    return PairLoss::compute(workers, input, output);
  }

 private:
  bool reads_other_rows() const override { return settings_.swap; }

  /// All triplets (i, p, n), and with `swap` what triplets (p, i, n) put on d(i, n).
  PairTerms anchor_terms(const PairRow& row) override {
    PairTerms terms = no_terms(row);
    for (Index j = 0; j < row.size; j += kLanes) {
      if (!any(is_kin(row, j))) continue;
      for (Index p = j; p < std::min(j + kLanes, row.size); ++p) {
        if (row.kinds[p] <= 0) continue;
        if (settings_.swap) {
          row.gradient[p] += add_negatives<true, true>(row, row.anchor, p, &terms);
          add_negatives<true, true>(row, p, row.anchor, nullptr);
        } else if (settings_.soft) {
          row.gradient[p] += add_negatives<true, false>(row, row.anchor, p, &terms);
        } else {
          row.gradient[p] += add_negatives<false, false>(row, row.anchor, p, &terms);
        }
      }
    }
    return terms;
  }

  /// The terms of (anchor, positive, every n). With `terms` they are added to it, and their
  /// gradient is taken from gradient[n] where they use d(anchor, n); without, `positive` is the row
  /// at hand and they are taken where they use d(positive, n). Returns d terms / d d(anchor,
  /// positive). Templates, so that a loop computes what its settings need only.
  template <bool may_be_soft, bool swap>
  Scalar add_negatives(const PairRow& row, Index anchor, Index positive, PairTerms* terms) const {
    const Scalar* distance = values().row(anchor);
    const Scalar* from_positive = swap ? values().row(positive) : distance;
    const bool soft = may_be_soft && settings_.soft;
    const Scalar to_positive = distance[positive];
    const Scalar margin = margin_;
    const bool semihard = settings_.semihard;
    LaneSum value;
    LaneSum slopes;
    IntLanes count{};
    IntLanes nonzero{};
    for (Index j = 0; j < row.size; j += kLanes) {
      Lanes to_negative = load(distance + j);
      IntLanes chosen = is_other(row, j);
      if (semihard) {
        const Lanes gap = to_negative - to_positive;
        chosen &= (gap > 0) & (gap <= margin);
      }
      if (!any(chosen)) continue;
      IntLanes uses = chosen;
      if constexpr (swap) {
        const Lanes other = load(from_positive + j);
        const IntLanes swapped = other < to_negative;
        to_negative = select(swapped, other, to_negative);
        uses &= terms == nullptr ? swapped : ~swapped;
      }
      const Lanes excess = to_positive - to_negative + margin;
      const Lanes term = select(chosen, soft ? softplus(excess) : max(excess, Lanes{}), Lanes{});
      value.add(term);
      count += chosen;
      const IntLanes active = term > 0;
      nonzero += active;
      Lanes slope = select(active, broadcast(1), Lanes{});
      if (soft) {
        slope = select(chosen, sigmoid(excess), Lanes{});
        slopes.add(slope);
      }
      store(row.gradient + j, load(row.gradient + j) - select(uses, slope, Lanes{}));
    }
    if (terms == nullptr) return 0;
    terms->value += value.total();
    double chosen = 0;
    double actives = 0;
    for (Index l = 0; l < kLanes; ++l) {
      chosen -= static_cast<double>(count[l]);
      actives -= static_cast<double>(nonzero[l]);
    }
    terms->candidates += chosen;
    terms->active += actives;
    terms->count += settings_.mean_nonzero ? actives : chosen;
    return static_cast<Scalar>(soft ? slopes.total() : actives);
  }

  TripletSettings settings_;
  Scalar margin_ = 0;  // of this step
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& /*table*/,
                           State& state) {
  const std::string mining = read_mining(section, "hard");
  PairSettings pairs;
  const std::string distance = read_distance(section, pairs);
  TripletSettings settings(MarginSchedule(section, 0.2, "in the unit of the distance", {0, 1e3}));
  settings.distance = distance;
  settings.normalize = pairs.normalize;
  section.read("soft", settings.soft, "softplus instead of the hinge");
  section.read("swap", settings.swap, "d(p, n) for d(a, n) where smaller (Balntas et al. 2016)");
  std::string reduction = "mean_nonzero";
  section.read_choice("reduction", reduction, {"mean", "mean_nonzero"},
                      "mean over all terms, or over those above zero");
  settings.mean_nonzero = reduction == "mean_nonzero";
  read_memory(section, context, pairs);
  if (settings.swap && pairs.memory > 0) section.fail("swap needs memory = 0");
  if (mining == "hard" && pairs.memory == 0) return make_hard_triplet(context, settings);
  settings.semihard = mining == "semihard";
  const bool pairwise = settings.semihard || mining == "all";
  if (settings.swap && !pairwise) section.fail("swap needs mining = hard, semihard or all");
  pairs.miner = make_miner(pairwise ? "all" : mining, section);
  return std::make_unique<Triplet>(context, settings, std::move(pairs), state);
}

}  // namespace

LossEntry triplet_loss() {
  return {"triplet", "an anchor nearer to its kin than to others (Schroff et al. 2015)",
          LearnsFrom::pairs, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
