#include "loss/bases/pair_loss.h"

#include <fmt/format.h>

#include <algorithm>

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kPairRows = 16;  // rows a task owns

}  // namespace

Index PairRow::count(Kind kind) const {
  IntLanes found{};
  for (Index j = 0; j < size; j += kLanes) found -= load(kinds + j) == static_cast<LaneInt>(kind);
  Index total = 0;
  for (Index l = 0; l < kLanes; ++l) total += static_cast<Index>(found[l]);
  return total;
}

std::string read_distance(Section section, PairSettings& settings) {
  std::string distance = "euclidean";
  section.read_choice("distance", distance, {"euclidean", "squared_euclidean", "cosine"},
                      "between two rows; cosine is 1 - their cosine");
  settings.measure = measure_of(distance);
  section.read("normalize", settings.normalize,
               "unit rows instead of the raw embeddings; always so for cosine");
  return distance;
}

void read_memory(Section section, const LossContext& context, PairSettings& settings) {
  section.read("memory", settings.memory,
               "past embeddings to compare with (Wang et al. 2020), 0 for the batch only",
               {0, 1e7});
  if (settings.memory > 0 && settings.memory < context.batch) {
    section.fail(fmt::format("memory = {} holds less than a batch of {}; make it 0 or greater",
                             settings.memory, context.batch));
  }
}

void read_pairs(Section section, const LossContext& context, const std::string& mining,
                PairSettings& settings) {
  settings.miner = make_miner(read_mining(section, mining), section);
  read_memory(section, context, settings);
}

PairLoss::PairLoss(const LossContext& context, PairSettings settings, State& state)
    : group_(context.group),
      measure_(settings.measure),
      miner_(std::move(settings.miner)),
      pairs_(context, settings.measure, settings.normalize, settings.memory),
      labels_(context.batch),
      reference_labels_(round_up(std::max(context.batch, settings.memory), kLanes)),
      reference_ids_(settings.memory > 0 ? reference_labels_.size() : 0),
      terms_(context.batch) {
  if (settings.memory > 0) memory_.emplace(context, settings.memory, state);
}

double PairLoss::compute(const Workers& workers, const LossInput& input, LossOutput& output) {
  const Index batch = input.embeddings.rows();
  if (kinds_.size() < workers.threads() * reference_labels_.size()) {
    kinds_ = Buffer<LaneInt>(workers.threads() * reference_labels_.size());
    spare_ = Buffer<Scalar>(kinds_.size());
  }
  if (memory_) {
    const ConstScalarView rows = pairs_.normalize() ? input.unit : input.embeddings;
    memory_->enqueue(rows, input.labels, input.sample_ids);
  }
  gather_labels(input);
  begin(input);
  const auto run = [&](Index i, int worker) { run_anchor(i, worker, input); };
  const auto wait = [](Index, int) {};
  const FunctionRef<void(Index, int)> then =
      reads_other_rows() ? FunctionRef<void(Index, int)>(wait) : FunctionRef<void(Index, int)>(run);
  pairs_.share_rows(reads_other_rows() ? nullptr : group_);
  if (memory_) {
    pairs_.measure(workers, input, memory_->rows(), then);
  } else {
    pairs_.measure(workers, input, then);
  }
  pairs_.meet(workers, terms_.span().first(static_cast<std::size_t>(batch)), then);
  if (reads_other_rows()) {
    workers.for_blocks(batch, kPairRows, [&](Index begin, Index end, int worker) {
      for (Index i = begin; i < end; ++i) run_anchor(i, worker, input);
    });
  }

  PairTerms sum;
  Index skipped = 0;
  for (Index i = 0; i < batch; ++i) {
    const PairTerms& terms = terms_[i];
    sum.value += terms.value;
    sum.count += terms.count;
    sum.other_value += terms.other_value;
    sum.other_count += terms.other_count;
    sum.candidates += terms.candidates;
    sum.active += terms.active;
    skipped += terms.candidates == 0 ? 1 : 0;
  }
  report(sum, skipped, output);
  const double kin = sum.count > 0 ? 1 / sum.count : 0;
  const double others = sum.other_count > 0 ? 1 / sum.other_count : 0;
  double factor = output.weight;
  if (!kin_and_others_apart()) factor *= kin;
  finish(input, factor, output);
  if (kin == 0 && others == 0) return 0;
  if (kin_and_others_apart()) {
    workers.for_blocks(batch, kPairRows, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) divide_row(i, kin, others);
    });
  }
  pairs_.backward(workers, factor, output);
  return sum.value * kin + sum.other_value * others;
}

/// Labels (and sample ids) of rows and references as lanes.
void PairLoss::gather_labels(const LossInput& input) {
  for (Index i = 0; i < input.embeddings.rows(); ++i) {
    labels_[i] = static_cast<LaneInt>(input.labels[static_cast<std::size_t>(i)]);
  }
  const Index count = memory_ ? memory_->count() : input.embeddings.rows();
  for (Index j = 0; j < reference_labels_.size(); ++j) {
    reference_labels_[j] = -1;
    if (j >= count) continue;
    reference_labels_[j] = memory_ ? static_cast<LaneInt>(memory_->label(j)) : labels_[j];
    if (memory_) reference_ids_[j] = static_cast<LaneInt>(memory_->id(j));
  }
}

void PairLoss::run_anchor(Index i, int worker, const LossInput& input) {
  LaneInt* kinds = &kinds_[worker * reference_labels_.size()];
  prepare_row(i, input, kinds);
  terms_[i] = anchor_terms({i, pairs_.references(), pairs_.values().row(i), kinds,
                            pairs_.gradient().row(i), &spare_[worker * reference_labels_.size()]});
  pairs_.row_stands(i);
}

/// The kinds of all references as seen from anchor i, mined.
void PairLoss::prepare_row(Index i, const LossInput& input, LaneInt* kinds) const {
  const Index padded = round_up(pairs_.references(), kLanes);
  const auto id = static_cast<LaneInt>(input.sample_ids[static_cast<std::size_t>(i)]);
  for (Index j = 0; j < padded; j += kLanes) {
    const IntLanes labels = load(&reference_labels_[j]);
    IntLanes used = labels >= 0;
    if (memory_) used &= load(&reference_ids_[j]) != id;
    const IntLanes kind = select(labels == labels_[i], broadcast_int(kKin), broadcast_int(kOther));
    store(kinds + j, kind & used);
  }
  if (!memory_) kinds[i] = kUnused;
  Anchor anchor;
  anchor.row = i;
  anchor.embedding = input.embeddings.cols();
  anchor.measure = measure_;
  anchor.values = pairs_.values().row(i);
  anchor.references = pairs_.references();
  anchor.step = input.step;
  anchor.seed = input.seed;
  miner_->choose(anchor, kinds);
}

/// Row i of the gradient times `kin` where kin stand, times `others` elsewhere.
void PairLoss::divide_row(Index i, double kin, double others) {
  Scalar* gradient = pairs_.gradient().row(i);
  if (const auto few = pairs_.few_of(i)) {
    for (const LaneInt j : *few) {
      gradient[j] *= static_cast<Scalar>(reference_labels_[j] == labels_[i] ? kin : others);
    }
    return;
  }
  for (Index j = 0; j < pairs_.references(); j += kLanes) {
    const Lanes factor =
        select(load(&reference_labels_[j]) == labels_[i], broadcast(static_cast<Scalar>(kin)),
               broadcast(static_cast<Scalar>(others)));
    store(gradient + j, load(gradient + j) * factor);
  }
}

void PairLoss::report(const PairTerms& sum, Index skipped, LossOutput& output) const {
  if (output.scalars == nullptr) return;
  const PairStatistics statistics = pairs_.statistics();
  const bool similarity = measure_ == Measure::similarity;
  output.scalars->push_back({"active_share", sum.active / std::max(sum.candidates, 1.0)});
  output.scalars->push_back({similarity ? "mean_similarity" : "mean_distance", statistics.mean});
  output.scalars->push_back(
      {similarity ? "similarity_spread" : "distance_spread", statistics.spread});
  output.scalars->push_back({"skipped_anchors", static_cast<double>(skipped)});
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
