#pragma once
#include <algorithm>
#include <string>

#include "kindred/core/buffer.h"
#include "kindred/loss/loss.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// Which classes take part in a step: all, or those of the batch and as many others drawn as make
/// up a share of all. Every other of a step is as likely as any; a pure function of (seed, step,
/// name). Allocates at construction only.
/// Source: An et al. 2021, Partial FC.
class TakingPart {
 public:
  TakingPart(const LossContext& context, double share, std::string_view name);

  void choose(const LossInput& input);
  bool all() const { return chosen_.size() == 0; }
  /// How many take part, and the most there can be.
  Index count() const { return all() ? classes_ : count_; }
  Index most() const { return all() ? classes_ : chosen_.size(); }
  /// The label at a place among them; places are in the order of labels.
  Index label_at(Index place) const { return all() ? place : chosen_[place]; }
  /// The place of a label, or of the next that takes part; the end of them for the classes' end.
  Index place_of(std::int64_t label) const;

 private:
  Index classes_;
  Index wanted_;
  std::uint64_t stream_;
  Index count_ = 0;
  Buffer<Index> chosen_;   // labels that take part, ascending; empty where all do
  Buffer<Index> present_;  // labels of the batch
};

/// A number for each name: its stream of random numbers.
std::uint64_t stream_of(std::string_view name);

}  // namespace KINDRED_SCALAR
}  // namespace kindred
