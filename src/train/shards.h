#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/function_ref.h"
#include "kindred/core/process_group.h"
#include "kindred/train/tensor_file.h"
#include "kindred/train/trainer.h"

namespace kindred {

/// What of a training lies on several ranks: the parts of segments that heads share out, in the
/// parameters, their average and the optimizer's moments. Rank 0, who writes the files, asks for
/// them; the others answer. No rank ever holds more than its own.
class KINDRED_HIDDEN Shards {
 public:
  /// REQUIRES: both outlive it.
  Shards(ProcessGroup& group, TrainingState& training) : group_(group), training_(training) {}

  /// Whether there is anything of that kind; without, no call does anything.
  bool any() const;

  // Of rank 0.
  /// A whole segment of one of the flat arrays, piece by piece.
  void read(const Segment& segment, std::span<const float> flat,
            FunctionRef<void(std::span<const std::byte>)> take);
  /// Whether all ranks' are finite; `mine`: this one's.
  bool all_finite(bool mine);
  /// Lets the others go on.
  void release();
  /// A file that was read: share_out() gives the others what is theirs in it. `names`: prefixes of
  /// its arrays, for each of the flat arrays in their order; an array without one keeps its own.
  void hold(TensorFile&& file, std::vector<std::optional<std::string>> names);

  // Of the others.
  /// Gives rank 0 what it asks for, until it is done.
  void answer();

  // Of all.
  /// Once, before the first step.
  void share_out();

 private:
  struct Order;
  std::vector<std::span<float>> arrays() const;
  std::span<std::byte> own(const Segment& segment, std::span<float> flat) const;
  void send(Index bytes, int to,
            FunctionRef<std::span<const std::byte>(std::size_t first, std::size_t size)> give);
  void receive(Index bytes, int from, FunctionRef<void(std::span<const std::byte>)> take);

  ProcessGroup& group_;
  TrainingState& training_;
  std::optional<TensorFile> held_;
  std::vector<std::optional<std::string>> names_;
};

/// Bytes of a segment that a rank holds.
struct ShardRange {
  Index begin = 0;
  Index end = 0;
};
ShardRange shard_of(const Segment& segment, int rank, int ranks);

/// Whether all are finite.
bool are_finite(std::span<const float> numbers);

}  // namespace kindred
