#pragma once
#include <memory>
#include <span>
#include <string>

#include "kindred/core/process_group.h"
#include "kindred/train/embedder.h"
#include "kindred/train/trainer.h"

namespace kindred {

/// What every rank of a run has to have alike.
struct RankCard {
  std::string recipe;  ///< resolved, without where its data lies
  std::string data;    ///< fingerprint_of_data
};

/// Joins the group and compares. Fails at all ranks, naming both that differ: with system where
/// programs or levels of instruction sets do, with recipe or data where those do. Returns what is
/// worth knowing, "" where nothing is: that CPUs differ.
std::string join_ranks(ProcessGroup& group, const RankCard& card);

/// Rank 0's state at all: parameters, average, moments, what losses and norms carry, and the step.
void share_state(ProcessGroup& group, TrainingState& state);

/// The embeddings of `samples` at all ranks, each having made a part of them. Fails with diverged
/// where they are not finite.
Matrix embed_together(ProcessGroup& group, const Embedder& embedder, const Dataset& dataset,
                      std::span<const Index> samples);

/// An embedder of weights that are still trained.
std::unique_ptr<Embedder> embedder_of(const Setup& setup, Trainer& trainer, const Workers& workers);

}  // namespace kindred
