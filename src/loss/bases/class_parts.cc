#include "loss/bases/class_parts.h"

#include <algorithm>
#include <bit>

#include "core/ranks/gradient_tree.h"
#include "core/sum_rows.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// A power of 2: so many ranks have one whole branch of the tree each.
Index parts_of(Index rows) {
  const auto least =
      static_cast<std::uint64_t>(std::max<Index>(blocks_of(rows, ClassParts::kPartRows), 1));
  return static_cast<Index>(
      std::min(std::bit_ceil(least), static_cast<std::uint64_t>(ClassParts::kMost)));
}

}  // namespace

ClassParts::ClassParts(const LossContext& context, Index rows_of_class)
    : group_(context.group),
      rank_(group_ == nullptr ? 0 : group_->rank()),
      ranks_(group_ == nullptr ? 1 : group_->size()),
      classes_(context.classes),
      count_(parts_of(context.classes * rows_of_class)),
      begins_(static_cast<std::size_t>(ranks_) + 1) {}

SegmentParts ClassParts::segment(Index row) const {
  SegmentParts found;
  for (Index part = 0; part <= count_; ++part) found.begins.push_back(first_class(part) * row);
  found.first = static_cast<std::size_t>(first());
  found.end = static_cast<std::size_t>(end());
  found.shared = ranks_ > 1;
  return found;
}

void ClassParts::gather_bytes(std::span<std::byte> all) {
  if (ranks_ == 1) return;
  const Index each = std::ssize(all) / count_;
  for (Index r = 0; r <= ranks_; ++r) {
    begins_[static_cast<std::size_t>(r)] = begin_of_part(count_, r, ranks_) * each;
  }
  group_->gather(all, begins_);
}

PartSums::PartSums(const ClassParts& parts, Index size)
    : parts_(parts), own_(parts.end() - parts.first(), size) {
  if (parts.group() != nullptr) {
    tree_ = std::make_unique<GradientTree>(*parts.group(), parts.count(), own_.stride());
  }
}

PartSums::~PartSums() = default;

std::span<const Scalar> PartSums::sum(const Workers& workers) {
#if !defined(KINDRED_DOUBLE)
  const MatrixView rows(own_.data(), own_.rows(), own_.stride());
  if (tree_) return tree_->sum(workers, rows);
  sum_rows(workers, rows, own_.stride(), own_.rows());
#else  // of tests, where there are no ranks
  static_cast<void>(workers);
  for (Index apart = 1; apart < own_.rows(); apart *= 2) {
    for (Index i = 0; i + apart < own_.rows(); i += 2 * apart) {
      for (Index j = 0; j < own_.stride(); ++j) own_.row(i)[j] += own_.row(i + apart)[j];
    }
  }
#endif
  return {own_.data(), static_cast<std::size_t>(own_.stride())};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
