#include "loss/bases/anchor_share.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

std::span<AnchorShare::Head> AnchorShare::heads(Index batch) {
  heads_.resize(static_cast<std::size_t>(batch));
  return heads_;
}

std::span<const AnchorShare::Head> AnchorShare::gathered_heads() const { return heads_; }

/// Where ranks' bytes begin that are so many of each anchor.
void AnchorShare::set_begins(Index batch, Index bytes) {
  begins_.clear();
  for (int rank = 0; rank <= group_->size(); ++rank) {
    begins_.push_back(begin_of_part(batch, rank, group_->size()) * bytes);
  }
}

bool AnchorShare::gather_heads(Index batch, std::span<std::byte> of_rows) {
  set_begins(batch, static_cast<Index>(sizeof(Head)));
  group_->gather(std::as_writable_bytes(std::span(heads_)), begins_);
  pair_begins_.assign(1, 0);
  for (const Head& head : heads_) {
    if (head.count < 0) return false;
    pair_begins_.push_back(pair_begins_.back() + head.count);
  }
  set_begins(batch, std::ssize(of_rows) / batch);
  group_->gather(of_rows, begins_);
  pairs_.resize(static_cast<std::size_t>(pair_begins_.back()));
  return true;
}

std::span<AnchorShare::Pair> AnchorShare::pairs_of(Index anchor) {
  const auto begin = static_cast<std::size_t>(pair_begins_[static_cast<std::size_t>(anchor)]);
  const auto end = static_cast<std::size_t>(pair_begins_[static_cast<std::size_t>(anchor + 1)]);
  return std::span(pairs_).subspan(begin, end - begin);
}

void AnchorShare::gather_pairs(Index batch) {
  begins_.clear();
  for (int rank = 0; rank <= group_->size(); ++rank) {
    const Index anchor = begin_of_part(batch, rank, group_->size());
    begins_.push_back(pair_begins_[static_cast<std::size_t>(anchor)] *
                      static_cast<Index>(sizeof(Pair)));
  }
  group_->gather(std::as_writable_bytes(std::span(pairs_)), begins_);
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
