#pragma once
#include <map>
#include <span>
#include <unordered_map>
#include <vector>

#include "data/import/import_decoder.h"
#include "data/import/import_plan.h"
#include "kindred/core/function_ref.h"
#include "kindred/core/parallel.h"

namespace kindred {

/// Decodes samples of a plan, many at once, and hands them over in their order, whatever the order
/// that their sources are read in.
class ImportDecoding {
 public:
  /// `order`: items of the plan. All outlive it. `most`: bytes of samples that may wait for those
  /// before them. Child processes begin here.
  ImportDecoding(const ImportPlan& plan, const ImportOptions& options, std::span<const Index> order,
                 const Workers& workers, Index most);

  /// False where it was asked to stop. Fails with data where the sources change meanwhile, or come
  /// in an order that would take too much memory to sort.
  bool run(WorkObserver& observer, FunctionRef<void(Index item, Decoded sample)> take);

 private:
  struct Waiting {
    Index place;
    FileContent content;
  };
  bool decode_batch(WorkObserver& observer, FunctionRef<void(Index item, Decoded sample)> take);

  const ImportPlan& plan_;
  std::span<const Index> order_;
  const Workers& workers_;
  Index most_;
  ImportDecoder decoder_;
  std::unordered_map<Index, Index> turn_of_;  // place -> place in the order
  std::vector<Waiting> batch_;
  Index batch_bytes_ = 0;
  std::map<Index, Decoded> ready_;  // for samples that come before them
  Index ready_bytes_ = 0;
  Index next_ = 0;
};

/// Bytes of samples that may wait for others in one of so many processes on this machine: half of
/// the memory together.
Index most_waiting_bytes(Index processes);

}  // namespace kindred
