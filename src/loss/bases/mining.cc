#include <algorithm>

#include "kindred/core/recipe.h"
#include "loss/bases/miner.h"
#include "loss/loss_kernels.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

Measure measure_named(const std::string& distance) {
  return distance == "similarity" ? Measure::similarity : measure_of(distance);
}

/// The miner of that name, with these settings and no others.
std::unique_ptr<Miner> chosen_miner(const NamedSettings& settings) {
  Recipe recipe;
  Section section = recipe.root().section("miner");
  section.put_settings({"", {{"mining", settings.name}}});
  section.put_settings({"", settings.values});
  const std::string name = read_mining(section, "");
  std::unique_ptr<Miner> miner = make_miner(name, section);
  section.finish();
  return miner;
}

/// All kin and all others of row i; kUnused elsewhere, to a multiple of kLanes.
void kinds_of(const LossInput& input, Index i, Index padded, LaneInt* kinds) {
  std::fill_n(kinds, padded, kUnused);
  const std::int64_t own = input.labels[static_cast<std::size_t>(i)];
  for (Index j = 0; j < input.embeddings.rows(); ++j) {
    if (j != i) kinds[j] = input.labels[static_cast<std::size_t>(j)] == own ? kKin : kOther;
  }
}

}  // namespace

MinedPairs mine(const Workers& workers, const NamedSettings& settings, const MiningOptions& options,
                const LossInput& input) {
  const std::unique_ptr<Miner> miner = chosen_miner(settings);
  const Measure measure = measure_named(options.distance);
  const Index batch = input.embeddings.rows();
  const Index padded = round_up(batch, kLanes);
  LossContext context;
  context.embedding = input.embeddings.cols();
  context.batch = batch;
  PairMatrix pairs(context, measure, options.normalize);
  Buffer<LaneInt> kinds(batch * padded);
  pairs.measure(workers, input, [&](Index i, int) {
    kinds_of(input, i, padded, &kinds[i * padded]);
    Anchor anchor;
    anchor.row = i;
    anchor.embedding = input.embeddings.cols();
    anchor.measure = measure;
    anchor.values = pairs.values().row(i);
    anchor.references = batch;
    anchor.step = input.step;
    anchor.seed = input.seed;
    miner->choose(anchor, &kinds[i * padded]);
  });
  MinedPairs mined;
  for (Index i = 0; i < batch; ++i) {
    for (Index j = 0; j < batch; ++j) {
      const LaneInt kind = kinds[i * padded + j];
      if (kind == kUnused) continue;
      (kind == kKin ? mined.anchors : mined.other_anchors).push_back(i);
      (kind == kKin ? mined.kin : mined.others).push_back(j);
    }
  }
  return mined;
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
