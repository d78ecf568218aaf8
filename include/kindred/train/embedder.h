#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/core/parameters.h"
#include "kindred/core/process_group.h"
#include "kindred/data/augment.h"
#include "kindred/data/dataset.h"
#include "kindred/nn/architecture.h"
#include "kindred/train/model.h"
#include "kindred/train/profile.h"

namespace KINDRED_API kindred {

/// Runs a network over a data set, slices in parallel, batch norms folded. An embedding's bits
/// depend on its sample and the model alone, not on its neighbours or its place among them. (The
/// slice is the model's: for slices of another size oneDNN may choose another convolution.)
/// Thread-safety: const members may be called by several threads at once; each call in progress
/// has activations of its own.
class Embedder {
 public:
  /// For a model that was read. REQUIRES: model and workers outlive it.
  Embedder(const Model& model, const Workers& workers);
  /// For weights still in training; load() before each use.
  Embedder(const Architecture& architecture, Index slice, Element element,
           const InputScaling& scaling, const ParameterTable& table, const State& state,
           const Workers& workers);
  ~Embedder();

  void load(std::span<const float> parameters);

  /// [samples, D]. With `flip`, the sum of the sample's and its mirror image's embeddings. Fails
  /// with data when the samples' shape or type is not what the network was trained on.
  Matrix embed(const Dataset& dataset, std::span<const Index> samples, bool flip = false) const;

  /// The same by all ranks of a group, each a run of the samples; all have all rows. A rank embeds
  /// its own before it joins, so that nothing has to be started afterwards. Fails with data, at all
  /// ranks, where one has another model, level, number of samples, or labels. That samples with the
  /// same labels are others is not noticed.
  Matrix embed_together(ProcessGroup& group, const Dataset& dataset, std::span<const Index> samples,
                        bool flip = false) const;

  /// The same of samples in memory: raw values one after the other, channels-last, as
  /// Dataset::read() gives them; bytes or floats as the network was trained on. [samples, D].
  /// Fails with data when `samples` is not a whole number of samples.
  Matrix embed_samples(std::span<const std::byte> samples, bool flip = false) const;

  Index embedding() const;
  double forward_flops() const;

  /// From now on embed() also adds to profile(), which begins at 0. It computes the same.
  void start_profile();
  /// Summed over the workers; nothing where start_profile() was not called.
  Profile profile() const;
  /// What profile() has the times of.
  std::vector<LayerSummary> layers() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kindred
