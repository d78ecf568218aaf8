#pragma once
#include <memory>
#include <optional>

#include "loss/bases/batch_classes.h"
#include "loss/bases/embedding_queue.h"
#include "loss/bases/miner.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// The pairs of one anchor, as a loss sees them. Arrays go on to a multiple of kLanes, with kind
/// kUnused: whole vectors may be read and written.
struct PairRow {
  Index anchor = 0;
  Index size = 0;                  ///< reference rows
  const Scalar* values = nullptr;  ///< similarity or distance to each
  const LaneInt* kinds = nullptr;  ///< kKin, kOther or kUnused
  Scalar* gradient = nullptr;      ///< to write whole: d term / d value, before the mean
  Scalar* spare = nullptr;         ///< one more row, to keep numbers in meanwhile

  Index count(Kind kind) const;
};

/// What an anchor adds to a loss over pairs: sums of terms, and what they are averaged over.
struct PairTerms {
  double value = 0;
  double count = 0;
  double other_value = 0;  ///< of others, where a loss averages kin and others apart
  double other_count = 0;
  double candidates = 0;  ///< terms there could be, and of them those above 0: for the log
  double active = 0;
  double slope = 0;  ///< what else finish() needs of an anchor
};

/// Settings of every pair and triplet loss.
struct PairSettings {
  Measure measure = Measure::similarity;
  bool normalize = true;
  std::unique_ptr<Miner> miner = nullptr;
  Index memory = 0;  ///< rows of past embeddings to compare with; 0 for the batch itself
};
/// Reads `distance` and `normalize`, which some losses have, into the settings.
std::string read_distance(Section section, PairSettings& settings);
/// Reads `mining` and its settings, and `memory`.
void read_pairs(Section section, const LossContext& context, const std::string& mining,
                PairSettings& settings);
void read_memory(Section section, const LossContext& context, PairSettings& settings);

/// Base of the losses over pairs of a batch: loss = Σ value / Σ count over anchors (kin and
/// others together, or apart). A loss writes only the terms of one anchor and d term / d value;
/// product, mining, memory, mean and chain rule are here.
///
/// With a memory the batch is put into it first and then compared with all that stands in it;
/// a row is never compared with an entry of its own sample, whatever its age, and the entries count
/// as constants for the gradient.
class PairLoss : public Loss {
 public:
  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override;
  Index memory() const override { return memory_ ? memory_->size() : 0; }

 protected:
  PairLoss(const LossContext& context, PairSettings settings, State& state);

  /// Before the anchors of a step.
  virtual void begin(const LossInput& /*input*/) {}
  /// The terms of one anchor, by the row alone. Anchors run in parallel; of several ranks each may
  /// have a run of them, so that what finish() needs of an anchor stands in its terms.
  virtual PairTerms anchor_terms(const PairRow& row) = 0;
  /// After the anchors of a step; `factor` is the weight over Σ count, 0 without terms.
  virtual void finish(const LossInput& /*input*/, double /*factor*/, LossOutput& /*output*/) {}
  /// Whether the terms of kin and of others have each their own mean.
  virtual bool kin_and_others_apart() const { return false; }
  /// Whether anchor_terms reads rows of values() besides its own.
  virtual bool reads_other_rows() const { return false; }

  ConstScalarView values() const { return pairs_.values(); }
  /// Of an anchor of this step, in finish().
  const PairTerms& terms_of(Index anchor) const { return terms_[anchor]; }

 private:
  void gather_labels(const LossInput& input);
  void run_anchor(Index i, int worker, const LossInput& input);
  void prepare_row(Index i, const LossInput& input, LaneInt* kinds) const;
  void divide_row(Index i, double kin, double others);
  void report(const PairTerms& sum, Index skipped, LossOutput& output) const;

  ProcessGroup* group_;
  Measure measure_;
  std::unique_ptr<Miner> miner_;
  PairMatrix pairs_;
  std::optional<EmbeddingQueue> memory_;
  Buffer<LaneInt> labels_;            // of the rows
  Buffer<LaneInt> reference_labels_;  // of the reference rows; -1 behind the last
  Buffer<LaneInt> reference_ids_;     // their sample ids, with a memory
  Buffer<LaneInt> kinds_;             // a row for each worker
  Buffer<Scalar> spare_;              // likewise
  Buffer<PairTerms> terms_;
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
