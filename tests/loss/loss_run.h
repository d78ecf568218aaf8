#pragma once
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kindred/core/parallel.h"
#include "kindred/core/random.h"
#include "kindred/core/recipe.h"
#include "kindred/loss/objective.h"

namespace kindred::loss_test {

/// A batch as plain numbers, of float64 whatever the losses compute in.
struct TestBatch {
  Index depth = 0;
  Index classes = 0;
  std::vector<double> embeddings;  ///< [B, depth]
  std::vector<std::int64_t> labels;
  std::vector<double> targets = {};  ///< [B, depth] or none

  Index size() const { return static_cast<Index>(labels.size()); }
  double& at(Index row, Index column) {
    return embeddings[static_cast<std::size_t>(row * depth + column)];
  }
};

/// Standard normal embeddings for the given labels, with targets in [0, 1].
inline TestBatch random_batch(std::vector<std::int64_t> labels, Index depth, std::uint64_t seed) {
  Random random(seed, Purpose::test);
  TestBatch batch;
  batch.depth = depth;
  for (const std::int64_t label : labels) {
    batch.classes = std::max(batch.classes, static_cast<Index>(label) + 1);
  }
  batch.labels = std::move(labels);
  for (Index i = 0; i < batch.size() * depth; ++i) {
    batch.embeddings.push_back(static_cast<double>(random.normal()));
    batch.targets.push_back(static_cast<double>(random.uniform()));
  }
  return batch;
}

/// One loss (or several) built from recipe text, with its parameters and state, as the trainer
/// holds them.
class LossRun {
 public:
  /// `recipe` holds [[loss]] tables.
  LossRun(const std::string& recipe, const TestBatch& batch, int threads = 2,
          ProcessGroup* group = nullptr)
      : workers_(threads), recipe_(Recipe::from_text(recipe, "test")), batch_(batch) {
    LossContext context;
    context.embedding = batch.depth;
    context.classes = batch.classes;
    context.batch = batch.size();
    context.targets = batch.targets.empty() ? 0 : batch.depth;
    context.seed = 5;
    context.group = group;
    objective_ = std::make_unique<Objective>(recipe_.root(), context, table_, state_);
    parameters_.resize(static_cast<std::size_t>(table_.size()));
    objective_->initialise(7, parameters_);
    embeddings_ = ScalarMatrix(batch.size(), batch.depth);
    targets_ = ScalarMatrix(batch.size(), batch.depth);
    diff_ = ScalarMatrix(batch.size(), batch.depth);
    diff_parameters_.resize(parameters_.size());
    for (Index i = 0; i < batch.size(); ++i) sample_ids_.push_back(i);
    set_batch(batch);
  }

  /// Other numbers for a batch of the same shape.
  void set_batch(const TestBatch& batch) {
    batch_ = batch;
    for (Index i = 0; i < batch.size(); ++i) {
      for (Index k = 0; k < batch.depth; ++k) {
        embeddings_(i, k) = static_cast<Scalar>(batch_.at(i, k));
        if (!batch.targets.empty()) {
          targets_(i, k) = static_cast<Scalar>(batch.targets[at(i * batch.depth + k)]);
        }
      }
    }
  }

  /// One step; outputs are filled with NaN before. Returns the weighted sum.
  double compute() {
    constexpr Scalar kNaN = std::numeric_limits<Scalar>::quiet_NaN();
    diff_.fill(kNaN);
    std::fill(diff_parameters_.begin(), diff_parameters_.end(), kNaN);
    return compute_only();
  }
  double compute_only() {
    LossInput input;
    input.embeddings = embeddings_;
    input.labels = batch_.labels;
    input.sample_ids = sample_ids_;
    if (!batch_.targets.empty()) input.targets = targets_;
    input.step = step;
    input.planned_steps = 100;
    input.seed = 11;
    input.parameters = parameters_;
    return objective_->compute(workers_, input, diff_, diff_parameters_);
  }
  /// The same, and the state is put back as it was.
  double compute_without_moving() {
    std::vector<std::vector<unsigned char>> before;
    for (const auto& array : state_.arrays()) {
      const auto bytes = array->bytes.span();
      before.emplace_back(bytes.begin(), bytes.end());
    }
    const double value = compute();
    for (std::size_t a = 0; a < before.size(); ++a) {
      std::copy(before[a].begin(), before[a].end(), state_.arrays()[a]->bytes.data());
    }
    return value;
  }

  const LossReport& report(std::size_t loss = 0) const { return objective_->reports()[loss]; }
  double scalar(const std::string& name, std::size_t loss = 0) const {
    for (const LossScalar& scalar : report(loss).scalars) {
      if (scalar.name == name) return scalar.value;
    }
    return std::numeric_limits<double>::quiet_NaN();
  }

  /// Every bit of what a step gives: value, gradients, log, state.
  std::vector<unsigned char> fingerprint(double value) const {
    std::vector<unsigned char> bytes;
    const auto add = [&](const void* from, std::size_t size) {
      const auto* first = static_cast<const unsigned char*>(from);
      bytes.insert(bytes.end(), first, first + size);
    };
    add(&value, sizeof(value));
    for (Index i = 0; i < diff_.rows(); ++i) {
      add(diff_.row(i), static_cast<std::size_t>(diff_.cols()) * sizeof(Scalar));
    }
    add(diff_parameters_.data(), diff_parameters_.size() * sizeof(Scalar));
    for (const LossReport& one : objective_->reports()) {
      for (const LossScalar& scalar : one.scalars) add(&scalar.value, sizeof(double));
    }
    for (const auto& array : state_.arrays()) {
      add(array->bytes.data(), static_cast<std::size_t>(array->bytes.size()));
    }
    return bytes;
  }

  Index step = 0;
  ScalarMatrix& embeddings() { return embeddings_; }
  const ScalarMatrix& gradient() const { return diff_; }
  std::vector<Scalar>& parameters() { return parameters_; }
  const std::vector<Scalar>& parameter_gradient() const { return diff_parameters_; }
  const ParameterTable& table() const { return table_; }
  State& state() { return state_; }
  Objective& objective() { return *objective_; }

 private:
  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }

  Workers workers_;
  Recipe recipe_;
  TestBatch batch_;
  ParameterTable table_;
  State state_;
  std::unique_ptr<Objective> objective_;
  std::vector<Scalar> parameters_;
  std::vector<Scalar> diff_parameters_;
  std::vector<Index> sample_ids_;
  ScalarMatrix embeddings_;
  ScalarMatrix targets_;
  ScalarMatrix diff_;
};

/// "[[loss]]\nname = NAME\nSETTINGS".
inline std::string one_loss(const std::string& name, const std::string& settings = "") {
  return "[[loss]]\nname = \"" + name + "\"\n" + settings + "\n";
}

}  // namespace kindred::loss_test
