#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kindred/loss/objective.h"

namespace kindred::python {

/// What a loss is made for; what is not known yet comes with its first batch.
struct LossShape {
  std::optional<Index> classes;
  std::optional<Index> embedding;
};

/// How the numbers that a loss keeps (weights, centers, a memory) grow.
struct LossNeedsOf {
  bool classes = false;    ///< with the number of classes
  bool embedding = false;  ///< with D
  bool memory = false;     ///< it compares batches with earlier ones
};

/// Makes the loss of that name small, without running it. Fails with recipe on settings that are
/// wrong.
LossNeedsOf needs_of(const NamedSettings& settings);

/// One loss outside a run, for batches of any size, with what it trains and carries. Calls that
/// come at once wait for each other.
class LoneLoss {
 public:
  /// Fails with recipe on settings that are wrong, and with usage where the number of classes or D
  /// would have to be known and is not.
  LoneLoss(NamedSettings settings, LossShape shape, std::uint64_t seed);

  const LossEntry& entry() const { return *entry_; }
  const LossNeedsOf& needs() const { return needs_; }

  struct DiffWeights {
    std::string name;
    std::vector<Index> shape;
    std::vector<float> values;
  };
  struct Answer {
    double value = 0;
    Matrix diff_embeddings = {};  ///< [B, D]
    std::vector<DiffWeights> diff_weights = {};
    std::vector<LossScalar> scalars = {};
  };
  /// One step. Of `input` embeddings, labels, targets, step and planned_steps are the caller's;
  /// sample_ids may be. Labels are checked, and made small where only their equality counts.
  Answer compute(const Workers& workers, LossInput input);

  /// What it trains: name, shape, and its numbers, which stay where they are.
  struct Weights {
    std::string name;
    std::vector<Index> shape;
    float* data;
  };
  std::vector<Weights> weights();

  /// What it carries beside that, copied; and put back. Names and sizes have to fit, else data.
  struct Carried {
    std::string name;
    std::vector<Index> shape;
    DataType type;
    std::vector<unsigned char> bytes;
  };
  std::vector<Carried> carried();
  void restore(const std::string& name, DataType type, std::span<const unsigned char> bytes);

 private:
  void make(Index batch, Index embedding, Index targets);
  void fit(const LossInput& input);
  std::span<const std::int64_t> checked_labels(std::span<const std::int64_t> labels);
  std::span<const Index> ids(Index rows);
  std::string short_name(std::string_view name) const;

  const NamedSettings settings_;
  const LossEntry* entry_;
  const LossNeedsOf needs_;
  const LossShape shape_;
  const std::uint64_t seed_;
  std::mutex mutex_;
  ParameterTable table_;
  std::unique_ptr<State> state_;
  std::unique_ptr<Objective> objective_;
  Buffer<float> parameters_;  // one place from the first make() on
  Buffer<float> gradient_;
  Index batch_ = 0;
  Index embedding_ = 0;
  Index targets_ = 0;
  std::vector<std::int64_t> labels_;
  std::vector<Index> ids_;
  Index next_id_ = 0;
};

}  // namespace kindred::python
