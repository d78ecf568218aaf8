#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/parallel.h"
#include "kindred/core/parameters.h"
#include "kindred/core/recipe.h"

namespace KINDRED_API kindred {

/// A flat array the optimizer carries from step to step, shaped like the parameters.
struct Moment {
  std::string name;  ///< "momentum", "first_moment", "second_moment"
  Buffer<float> values;
};

/// What one update depends on besides the gradient.
struct Update {
  double learning_rate = 0;   ///< after the schedule, before a segment's own factor
  double gradient_scale = 1;  ///< of clipping
  Index step = 0;             ///< 0 for the first
};

/// Moves the parameters by the gradient: one vectorised pass over the flat arrays, in blocks that
/// follow the table alone, so the same bits for any number of threads.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// gradient, parameters [table.size()].
  virtual void apply(const Workers& workers, std::span<const float> gradient,
                     std::span<float> parameters, const Update& update) = 0;
  /// Takes learning rate factors, and what is frozen, anew from the table that it was made of.
  void follow(const ParameterTable& table);
  /// Saved in checkpoints.
  std::vector<Moment>& moments() { return moments_; }

 protected:
  /// A run of one segment.
  struct Block {
    Index begin;
    Index end;
    float learning_rate_factor;
    bool decay;
  };
  explicit Optimizer(const ParameterTable& table);
  const std::vector<Block>& blocks() const { return blocks_; }

  std::vector<Moment> moments_;

 private:
  std::vector<Block> blocks_;
};

/// Registry row.
struct OptimizerEntry {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<Optimizer> (*make)(Section section, const ParameterTable& table);
};
std::span<const OptimizerEntry> optimizer_registry();
/// Reads `name` and the optimizer's own settings from [optimizer].
std::unique_ptr<Optimizer> read_optimizer(Section section, const ParameterTable& table);

}  // namespace kindred
