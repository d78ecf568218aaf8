#include <algorithm>
#include <cmath>

#include "loss/losses/triplet.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// Batch-hard: the farthest positive and the nearest negative of each anchor.
class HardTriplet : public Loss {
 public:
  HardTriplet(const LossContext& context, const TripletSettings& settings)
      : settings_(settings),
        squared_(settings.distance == "euclidean"),
        pairs_(context, squared_ ? Measure::squared_euclidean : measure_of(settings.distance),
               settings.normalize),
        classes_(context.batch),
        labels_(round_up(context.batch, kLanes)),
        triplets_(context.batch) {
    if (!settings.swap) pairs_.share_rows(context.group);  // swap reads rows of others
  }

  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override {
    const Index batch = input.embeddings.rows();
    margin_ = settings_.margin.at(input, output);
    classes_.group(input.labels);
    for (Index i = 0; i < labels_.size(); ++i) {
      labels_[i] = i < batch ? static_cast<LaneInt>(classes_.class_of(i)) : LaneInt{-1};
    }
    const auto mine = [&](Index i, int) {
      triplets_[i] = hardest(i);
      pairs_.choose(i, {triplets_[i].positive, triplets_[i].negative});
    };
    pairs_.measure(workers, input, mine);
    pairs_.meet(workers, triplets_.span().first(static_cast<std::size_t>(batch)), mine, squared_);

    double value = 0;
    Index count = 0;
    Index nonzero = 0;
    for (Index i = 0; i < batch; ++i) {
      Hardest& triplet = triplets_[i];
      if (triplet.positive < 0 || triplet.negative < 0) continue;
      set_term(i, triplet);
      value += triplet.term;
      count += 1;
      nonzero += triplet.term > 0 ? 1 : 0;
    }
    report(nonzero, count, output);
    const Index divisor = settings_.mean_nonzero ? nonzero : count;
    if (divisor == 0) return 0;
    const double factor = static_cast<double>(output.weight) / static_cast<double>(divisor);
    for (Index i = 0; i < batch; ++i) push(i, triplets_[i], factor, output);
    return value / static_cast<double>(divisor);
  }

 private:
  struct Hardest {
    Index positive;  // -1 where there is none
    Index negative;
    double term;
    double slope;  // d term / d d(a, p)
  };

  Hardest hardest(Index i) const {
    const Scalar* distance = pairs_.values().row(i);
    Hardest found{-1, -1, 0, 0};
    for (const Index j : classes_.kin(i)) {
      if (j != i && (found.positive < 0 || distance[j] > distance[found.positive])) {
        found.positive = j;
      }
    }
    constexpr Scalar kNone = std::numeric_limits<Scalar>::infinity();
    const auto own = static_cast<LaneInt>(classes_.class_of(i));
    Lanes nearest = broadcast(kNone);
    IntLanes where = broadcast_int(-1);
    IntLanes here = count_from(0);
    for (Index j = 0; j < pairs_.batch(); j += kLanes) {
      const IntLanes labels = load(&labels_[j]);
      const Lanes value = load(distance + j);
      const IntLanes better = (labels != own) & (labels >= 0) & (value < nearest);
      nearest = select(better, value, nearest);
      where = select(better, here, where);
      here += static_cast<LaneInt>(kLanes);
    }
    Scalar best = kNone;
    for (Index l = 0; l < kLanes; ++l) {
      const auto j = static_cast<Index>(where[l]);
      if (j < 0) continue;
      if (nearest[l] < best || (nearest[l] == best && j < found.negative)) {
        best = nearest[l];
        found.negative = j;
      }
    }
    return found;
  }

  double distance(Index i, Index j) const {
    const double value = pairs_.values()(i, j);
    return squared_ ? std::sqrt(value) : value;
  }

  bool swapped(Index i, const Hardest& triplet) const {
    return settings_.swap &&
           distance(triplet.positive, triplet.negative) < distance(i, triplet.negative);
  }

  void set_term(Index i, Hardest& triplet) const {
    const double negative = distance(swapped(i, triplet) ? triplet.positive : i, triplet.negative);
    const double excess = distance(i, triplet.positive) - negative + margin_;
    triplet.term = std::max(excess, 0.0);
    triplet.slope = excess > 0 ? 1 : 0;
    if (settings_.soft) {
      triplet.term += std::log1p(std::exp(-std::abs(excess)));
      triplet.slope = 1 / (1 + std::exp(-excess));
    }
  }

  void push(Index i, const Hardest& triplet, double factor, LossOutput& output) const {
    if (triplet.slope == 0) return;
    push_pair(i, triplet.positive, factor * triplet.slope, output);
    push_pair(swapped(i, triplet) ? triplet.positive : i, triplet.negative, -factor * triplet.slope,
              output);
  }

  /// `gradient` is by distance(i, j).
  void push_pair(Index i, Index j, double gradient, LossOutput& output) const {
    if (squared_) {
      const double length = distance(i, j);
      gradient = length > 0 ? gradient / (2 * length) : 0;
    }
    pairs_.add_pair(i, j, gradient, output);
  }

  void report(Index nonzero, Index count, LossOutput& output) const {
    if (output.scalars == nullptr) return;
    const PairStatistics statistics = pairs_.statistics(squared_);
    output.scalars->push_back({"active_share", static_cast<double>(nonzero) /
                                                   static_cast<double>(std::max<Index>(count, 1))});
    output.scalars->push_back({"mean_distance", statistics.mean});
    output.scalars->push_back({"distance_spread", statistics.spread});
    output.scalars->push_back({"skipped_anchors", static_cast<double>(pairs_.batch() - count)});
  }

  TripletSettings settings_;
  double margin_ = 0;  // of this step
  bool squared_;       // mined by squared distances: one root for each triplet instead of each pair
  PairMatrix pairs_;
  BatchClasses classes_;
  Buffer<LaneInt> labels_;  // class of each row within the batch; -1 behind the last
  Buffer<Hardest> triplets_;
};

}  // namespace

std::unique_ptr<Loss> make_hard_triplet(const LossContext& context,
                                        const TripletSettings& settings) {
  return std::make_unique<HardTriplet>(context, settings);
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
