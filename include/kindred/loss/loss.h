#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/parallel.h"
#include "kindred/core/parameters.h"
#include "kindred/core/recipe.h"
#include "kindred/core/scalar.h"

namespace KINDRED_API kindred {

class ProcessGroup;

inline namespace KINDRED_SCALAR {

/// What a loss is built for.
struct LossContext {
  std::string name;     ///< prefix of its segments and state: "loss.triplet"
  Index embedding = 0;  ///< D
  Index classes = 0;    ///< labels are in [0, classes)
  Index batch = 0;      ///< most rows a step brings
  Index targets = 0;    ///< columns of /targets, 0 where absent
  std::uint64_t seed = 0;
  /// Ranks that each make this loss, and share out its work and the weights of its classes;
  /// nullptr: this process alone. REQUIRES: it outlives the loss.
  ProcessGroup* group = nullptr;
};

/// What a loss learns from: what it needs of data and batches follows.
enum class LearnsFrom {
  targets,  ///< /targets, row by row
  classes,  ///< labels, each against something of its class: weights, proxies, a center
  pairs,    ///< labels of two rows: pairs of one class and pairs of two
};

/// What a loss sees of one step: plain data about the whole batch.
struct LossInput {
  ConstScalarView embeddings;            ///< [B, D], the network's raw output
  ConstScalarView unit;                  ///< [B, D], rows of length 1 (a zero row stays zero)
  std::span<const std::int64_t> labels;  ///< [B], empty where the data set has none
  std::span<const Index> sample_ids;     ///< [B]
  ConstScalarView targets;               ///< [B, T], empty where absent
  Index step = 0;
  Index planned_steps = 0;  ///< of the run; 0 outside one: schedules stand where they lead to
  std::uint64_t seed = 0;   ///< of the loss's random numbers: Random(seed, purpose, step, ...)
  std::span<const Scalar> parameters;  ///< the flat array; a loss reads its own segments
};

/// A named number for the log ("active_share", "mean_distance").
struct LossScalar {
  const char* name;
  double value;
};

/// Where a loss writes. It adds `weight` times its gradient to the first two, and writes `weight`
/// times the gradient of its own weights at their place in the third.
struct LossOutput {
  Scalar weight = 1;
  ScalarView diff_embeddings;         ///< [B, D], d / d raw embeddings
  ScalarView diff_unit;               ///< [B, D], d / d unit rows; the chain rule is the caller's
  std::span<Scalar> diff_parameters;  ///< the flat array
  std::vector<LossScalar>* scalars = nullptr;  ///< appended to; reserved by the caller
};

/// One term of the training objective. Knows nothing of layers or files, and always sees the whole
/// batch. Allocates at construction only; the same bits for any number of threads.
class Loss {
 public:
  virtual ~Loss() = default;
  /// Writes the start values of its own segments (and state): by (seed, name).
  virtual void initialise(std::uint64_t seed, std::span<Scalar> parameters);
  /// Past embeddings that a batch is compared with, itself among them; 0: none, the batch only.
  virtual Index memory() const { return 0; }
  /// The value, before the weight. Writes gradients as LossOutput says; may move its State.
  virtual double compute(const Workers& workers, const LossInput& input, LossOutput& output) = 0;
};

/// Registry row: how a loss of that name is made. `table` and `state` take what it trains and
/// what it carries; settings are read from `section`.
struct LossEntry {
  std::string_view name;
  std::string_view summary;  ///< one line and the source paper
  LearnsFrom learns_from;
  std::unique_ptr<Loss> (*make)(Section section, const LossContext& context, ParameterTable& table,
                                State& state);

  bool needs_labels() const { return learns_from != LearnsFrom::targets; }
  bool needs_targets() const { return learns_from == LearnsFrom::targets; }
};
std::span<const LossEntry> loss_registry();
/// Fails with ErrorKind::recipe and a suggestion.
const LossEntry& find_loss(std::string_view name);

}  // namespace KINDRED_SCALAR
}  // namespace kindred
