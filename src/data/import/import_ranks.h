#pragma once
#include <span>
#include <string>
#include <vector>

#include "data/import/import_decoding.h"
#include "data/import/import_plan.h"
#include "kindred/core/function_ref.h"
#include "kindred/core/process_group.h"

namespace kindred {

/// An import whose decoding ranks share out: each decodes a run of the samples, and keeps it until
/// rank 0, who writes, has written those before. Ranks meet when all have decoded, so that no child
/// process is begun after MPI.
class ImportRanks {
 public:
  /// REQUIRES: the group outlives it. `samples`: of all ranks.
  ImportRanks(ProcessGroup& group, Index samples) : group_(group), samples_(samples) {}

  /// A rank's run of the items.
  std::span<const Index> run_of(std::span<const Index> order, int rank) const;

  /// Of rank 0, who has `done` its own run: the others' samples, in order. False where a rank was
  /// asked to stop. Fails with data where ranks have other sources or options.
  bool take(const ImportPlan& plan, std::span<const Index> order, bool done,
            FunctionRef<void(Index item, Decoded sample)> add) const;
  /// Of the others: decodes, and hands over. Fails likewise, and where its samples take more than
  /// half of the memory.
  bool help(const ImportPlan& plan, std::span<const Index> order, ImportDecoding& decoding,
            WorkObserver& observer) const;

 private:
  bool meet(const ImportPlan& plan, std::span<const Index> order, bool done) const;
  void send(std::span<const Decoded> samples) const;
  void receive(int from, std::span<const Index> items,
               FunctionRef<void(Index item, Decoded sample)> add) const;

  ProcessGroup& group_;
  Index samples_;
};

}  // namespace kindred
