#include "gradient_norm.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "train/update_kernels.h"

namespace kindred {
namespace {

constexpr Index kBlock = 16384;

}  // namespace

GradientNorm::GradientNorm(const ParameterTable& table) {
  std::size_t part = 0;
  for (const Segment& segment : table.segments()) {
    const SegmentParts& parts = segment.parts;
    segments_.push_back({part, parts.begins.size() - 1, parts.shared});
    for (std::size_t p = parts.first; p < parts.end; ++p) {
      const Index shift = segment.offset - segment.first();
      for (Index begin = parts.begins[p]; begin < parts.begins[p + 1]; begin += kBlock) {
        const Index end = std::min(begin + kBlock, parts.begins[p + 1]);
        blocks_.push_back({shift + begin, shift + end, part + p});
      }
    }
    part += parts.begins.size() - 1;
  }
  sums_.resize(blocks_.size());
  totals_.resize(part);
}

double GradientNorm::measure(const Workers& workers, ProcessGroup& group,
                             std::span<const float> gradient) {
  const auto sum_of_squares = kernels<UpdateKernels>().sum_of_squares;
  workers.for_each(std::ssize(blocks_), [&](Index i, int) {
    const Block& block = blocks_[static_cast<std::size_t>(i)];
    sums_[static_cast<std::size_t>(i)] =
        sum_of_squares(gradient.data() + block.begin, block.end - block.begin);
  });
  std::ranges::fill(totals_, 0.0);
  for (std::size_t i = 0; i < blocks_.size(); ++i) totals_[blocks_[i].part] += sums_[i];
  for (const Parts& parts : segments_) {
    if (!parts.shared) continue;
    begins_.resize(static_cast<std::size_t>(group.size()) + 1);
    for (int r = 0; r <= group.size(); ++r) {
      begins_[static_cast<std::size_t>(r)] =
          begin_of_part(static_cast<Index>(parts.count), r, group.size()) *
          static_cast<Index>(sizeof(double));
    }
    group.gather(std::as_writable_bytes(std::span(totals_).subspan(parts.first, parts.count)),
                 begins_);
  }
  return std::sqrt(std::accumulate(totals_.begin(), totals_.end(), 0.0));
}

std::string GradientNorm::culprit(const ParameterTable& table) const {
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const auto from = totals_.begin() + static_cast<std::ptrdiff_t>(segments_[i].first);
    if (!std::isfinite(
            std::accumulate(from, from + static_cast<std::ptrdiff_t>(segments_[i].count), 0.0))) {
      return table.segments()[i].name;
    }
  }
  return "";
}

}  // namespace kindred
