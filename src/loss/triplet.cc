#include <algorithm>

#include "loss/batch_classes.h"
#include "loss/lanes.h"
#include "loss/similarity.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kRows = 8;  // anchors a task owns

struct TripletSettings {
  std::string mining = "hard";
  std::string distance = "euclidean";
  bool normalize = true;
  double margin = 0.2;
  bool soft = false;
  bool swap = false;
  std::string reduction = "mean_nonzero";
};

/// What one anchor adds to the loss.
struct Terms {
  double value = 0;
  Index count = 0;    // triplets
  Index nonzero = 0;  // of them with a term above zero
};

/// Pulls each anchor nearer to its positive than to its negative by at least `margin`.
///   term(a, p, n) = max(0, d(a,p) − d(a,n) + margin), or softplus of the same with `soft`
///   loss = mean of the terms, over all or over those above zero
/// mining: which triplets. hard: the farthest positive and the nearest negative of each anchor;
/// semihard: all with 0 < d(a,n) − d(a,p) <= margin; all: every one. Ties go to the lower row.
/// swap: d(p,n) stands for d(a,n) where it is smaller (Balntas et al. 2016).
///
/// Positives of an anchor are few in a batch for embeddings, so that semihard and all take one
/// vector pass over the negatives for each of them: O(B) memory, and faster than sorting the
/// negatives up to some hundred positives.
class Triplet : public Loss {
 public:
  Triplet(const LossContext& context, const TripletSettings& settings)
      : settings_(settings),
        hard_(settings.mining == "hard"),
        squared_(hard_ && settings.distance == "euclidean"),
        pairs_(context, squared_ ? Measure::squared_euclidean : measure_of(settings.distance),
               settings.normalize),
        classes_(context.batch),
        labels_(round_up(context.batch, kLanes)),
        positive_(context.batch),
        negative_(context.batch),
        terms_(context.batch) {}

  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override {
    const Index batch = input.embeddings.rows();
    classes_.group(input.labels);
    for (Index i = 0; i < labels_.size(); ++i) {
      labels_[i] = i < batch ? static_cast<LaneInt>(classes_.class_of(i)) : LaneInt{-1};
    }
    if (hard_) {
      pairs_.measure(workers, input, [&](Index i) { find_hardest(i); });
    } else if (settings_.swap) {  // reads rows of positives
      pairs_.measure(workers, input, [](Index) {});
      workers.for_blocks(batch, kRows, [&](Index begin, Index end, int) {
        for (Index i = begin; i < end; ++i) add_triplets(i);
      });
    } else {
      pairs_.measure(workers, input, [&](Index i) { add_triplets(i); });
    }

    Terms all;
    Index skipped = 0;
    for (Index i = 0; i < batch; ++i) {
      if (hard_) terms_[i] = hardest_term(i);
      all.value += terms_[i].value;
      all.count += terms_[i].count;
      all.nonzero += terms_[i].nonzero;
      skipped += terms_[i].count == 0 ? 1 : 0;
    }
    report(all, skipped, output);
    const Index divisor = settings_.reduction == "mean" ? all.count : all.nonzero;
    if (divisor == 0) return 0;
    const double factor = static_cast<double>(output.weight) / static_cast<double>(divisor);
    if (hard_) {
      for (Index i = 0; i < batch; ++i) push_hardest(i, factor, output);
    } else {
      pairs_.backward(workers, factor, output);
    }
    return all.value / static_cast<double>(divisor);
  }

 private:
  /// Which of the rows from j on are of another class than `own`.
  KINDRED_INLINE IntLanes negatives(Index j, LaneInt own) const {
    const IntLanes labels = load(&labels_[j]);
    return (labels != own) & (labels >= 0);
  }

  /// The farthest positive and the nearest negative of anchor i; -1 where there is none.
  void find_hardest(Index i) {
    const Scalar* distance = pairs_.values().row(i);
    positive_[i] = -1;
    for (const Index j : classes_.kin(i)) {
      if (j != i && (positive_[i] < 0 || distance[j] > distance[positive_[i]])) positive_[i] = j;
    }
    constexpr Scalar kNone = std::numeric_limits<Scalar>::infinity();
    const auto own = static_cast<LaneInt>(classes_.class_of(i));
    Lanes nearest = broadcast(kNone);
    IntLanes where = broadcast_int(-1);
    IntLanes here = count_from(0);
    for (Index j = 0; j < pairs_.batch(); j += kLanes) {
      const IntLanes better = negatives(j, own) & (load(distance + j) < nearest);
      nearest = select(better, load(distance + j), nearest);
      where = select(better, here, where);
      here += static_cast<LaneInt>(kLanes);
    }
    negative_[i] = -1;
    Scalar best = kNone;
    for (Index l = 0; l < kLanes; ++l) {
      const auto j = static_cast<Index>(where[l]);
      if (j < 0) continue;
      if (negative_[i] < 0 || nearest[l] < best || (nearest[l] == best && j < negative_[i])) {
        best = nearest[l];
        negative_[i] = j;
      }
    }
  }

  Terms hardest_term(Index i) const {
    if (positive_[i] < 0 || negative_[i] < 0) return {};
    const double excess = hardest_excess(i);
    const double value = settings_.soft
                             ? std::max(excess, 0.0) + std::log1p(std::exp(-std::abs(excess)))
                             : std::max(excess, 0.0);
    return {value, 1, value > 0 ? 1 : 0};
  }

  double distance(Index i, Index j) const {
    const double value = pairs_.values()(i, j);
    return squared_ ? std::sqrt(value) : value;
  }

  double hardest_excess(Index i) const {
    double negative = distance(i, negative_[i]);
    if (settings_.swap) negative = std::min(negative, distance(positive_[i], negative_[i]));
    return distance(i, positive_[i]) - negative + settings_.margin;
  }

  void push_hardest(Index i, double factor, LossOutput& output) const {
    if (terms_[i].nonzero == 0) return;
    const Index p = positive_[i];
    const Index n = negative_[i];
    const double gradient = settings_.soft ? factor / (1 + std::exp(-hardest_excess(i))) : factor;
    const bool swapped = settings_.swap && distance(p, n) < distance(i, n);
    push(i, p, gradient, output);
    push(swapped ? p : i, n, -gradient, output);
  }

  /// `gradient` is by distance(i, j).
  void push(Index i, Index j, double gradient, LossOutput& output) const {
    if (squared_) {
      const double length = distance(i, j);
      gradient = length > 0 ? gradient / (2 * length) : 0;
    }
    pairs_.add_pair(i, j, gradient, output);
  }

  /// All triplets (i, p, n), and with `swap` what triplets (p, i, n) put on d(i, n).
  void add_triplets(Index i) {
    Scalar* gradient = pairs_.gradient().row(i);
    std::fill_n(gradient, pairs_.batch(), Scalar{0});
    terms_[i] = {};
    for (const Index p : classes_.kin(i)) {
      if (p == i) continue;
      gradient[p] += add_negatives(i, p, false, gradient, &terms_[i]);
      if (settings_.swap) add_negatives(p, i, true, gradient, nullptr);
    }
  }

  /// The terms of (anchor, positive, every n): added to `terms`; their gradient is taken from
  /// gradient[n] where the term uses d(anchor, n), or with `of_swapped` where it uses
  /// d(positive, n). Returns d terms / d d(anchor, positive).
  Scalar add_negatives(Index anchor, Index positive, bool of_swapped, Scalar* gradient,
                       Terms* terms) const {
    const Scalar* distance = pairs_.values().row(anchor);
    const Scalar* from_positive = pairs_.values().row(positive);
    const Scalar to_positive = distance[positive];
    const auto margin = static_cast<Scalar>(settings_.margin);
    const auto own = static_cast<LaneInt>(classes_.class_of(anchor));
    const bool semihard = settings_.mining == "semihard";
    LaneSum value;
    LaneSum slopes;
    IntLanes count{};
    IntLanes nonzero{};
    for (Index j = 0; j < pairs_.batch(); j += kLanes) {
      Lanes to_negative = load(distance + j);
      IntLanes chosen = negatives(j, own);
      if (semihard) {
        const Lanes gap = to_negative - to_positive;
        chosen &= (gap > 0) & (gap <= margin);
      }
      IntLanes uses = chosen;
      if (settings_.swap) {
        const Lanes other = load(from_positive + j);
        const IntLanes swapped = other < to_negative;
        to_negative = select(swapped, other, to_negative);
        uses &= of_swapped ? swapped : ~swapped;
      }
      const Lanes excess = to_positive - to_negative + margin;
      Lanes term = settings_.soft ? softplus(excess) : max(excess, Lanes{});
      Lanes slope = settings_.soft ? sigmoid(excess) : select(excess > 0, broadcast(1), Lanes{});
      term = select(chosen, term, Lanes{});
      slope = select(chosen, slope, Lanes{});
      value.add(term);
      slopes.add(slope);
      count -= chosen;
      nonzero -= term > 0;
      const Lanes taken = load(gradient + j) - select(uses, slope, Lanes{});
      store(gradient + j, taken);
    }
    if (terms != nullptr) {
      terms->value += value.total();
      for (Index l = 0; l < kLanes; ++l) {
        terms->count += static_cast<Index>(count[l]);
        terms->nonzero += static_cast<Index>(nonzero[l]);
      }
    }
    return static_cast<Scalar>(slopes.total());
  }

  void report(const Terms& all, Index skipped, LossOutput& output) const {
    if (output.scalars == nullptr) return;
    const PairStatistics statistics = pairs_.statistics(squared_);
    output.scalars->push_back(
        {"active_share",
         static_cast<double>(all.nonzero) / static_cast<double>(std::max<Index>(all.count, 1))});
    output.scalars->push_back({"mean_distance", statistics.mean});
    output.scalars->push_back({"distance_spread", statistics.spread});
    output.scalars->push_back({"skipped_anchors", static_cast<double>(skipped)});
  }

  TripletSettings settings_;
  bool hard_;
  bool squared_;  // mined by squared distances: one root for each triplet instead of each pair
  PairMatrix pairs_;
  BatchClasses classes_;
  Buffer<LaneInt> labels_;  // class of each row within the batch; -1 behind the last
  Buffer<Index> positive_;
  Buffer<Index> negative_;
  Buffer<Terms> terms_;
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& /*table*/,
                           State& /*state*/) {
  TripletSettings settings;
  section.read_choice("mining", settings.mining, {"hard", "semihard", "all"},
                      "which triplets: the hardest of each anchor (Hermans et al. 2017), those "
                      "with the negative within the margin (Schroff et al. 2015), or every one");
  section.read_choice("distance", settings.distance, {"euclidean", "squared_euclidean", "cosine"},
                      "between two rows");
  section.read("normalize", settings.normalize, "unit rows instead of the raw embeddings");
  section.read("margin", settings.margin, "in the unit of the distance", {0, 1e3});
  section.read("soft", settings.soft, "softplus instead of the hinge");
  section.read("swap", settings.swap, "d(p, n) for d(a, n) where smaller (Balntas et al. 2016)");
  section.read_choice("reduction", settings.reduction, {"mean", "mean_nonzero"},
                      "mean over all terms, or over those above zero");
  return std::make_unique<Triplet>(context, settings);
}

}  // namespace

LossEntry triplet_loss() {
  return {"triplet", "an anchor nearer to its kin than to others (Schroff et al. 2015)", true,
          false, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
