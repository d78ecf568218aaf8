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

  /// Bytes of samples that a rank's decoding may keep for those before them.
  Index most_waiting() const;

  /// Of rank 0: decodes, and takes the others' samples, in order. False where a rank was asked to
  /// stop. Fails with data where ranks have other sources or options, and by the first error, in
  /// the order of ranks, where several fail.
  bool take(const ImportPlan& plan, const ImportOptions& options, std::span<const Index> order,
            ImportDecoding& decoding, WorkObserver& observer,
            FunctionRef<void(Index item, Decoded sample)> add) const;
  /// Of the others: decodes, and hands over. Does not return where rank 0 fails. A rank fails where
  /// all of a host together keep samples of half of its memory.
  bool help(const ImportPlan& plan, const ImportOptions& options, std::span<const Index> order,
            ImportDecoding& decoding, WorkObserver& observer) const;
  /// What both begin with, when nothing is left to decode: all have the same samples.
  void meet(const ImportPlan& plan, const ImportOptions& options,
            std::span<const Index> order) const;

 private:
  bool decode(ImportDecoding& decoding, WorkObserver& observer,
              FunctionRef<void(Index item, Decoded sample)> take) const;
  void send(std::span<const Decoded> samples) const;
  void receive(int from, std::span<const Index> items,
               FunctionRef<void(Index item, Decoded sample)> add) const;

  ProcessGroup& group_;
  Index samples_;
};

}  // namespace kindred
