#include "loss/bases/taking_part.h"

#include <cmath>

#include "kindred/core/random.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

// FNV-1a
std::uint64_t stream_of(std::string_view name) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return h;
}

TakingPart::TakingPart(const LossContext& context, double share, std::string_view name)
    : classes_(context.classes),
      wanted_(static_cast<Index>(std::ceil(share * static_cast<double>(context.classes)))),
      stream_(stream_of(name)) {
  if (wanted_ >= classes_) return;
  chosen_ = Buffer<Index>(std::min(classes_, std::max(wanted_, context.batch)));
  present_ = Buffer<Index>(context.batch);
}

void TakingPart::choose(const LossInput& input) {
  if (all()) return;
  Index* end = std::copy(input.labels.begin(), input.labels.end(), present_.data());
  std::sort(present_.data(), end);
  end = std::unique(present_.data(), end);

  // One pass in the order of labels, each of the others taken with the chance that leaves the
  // right number (selection sampling, Knuth 3.4.2, algorithm S).
  Random random(input.seed, Purpose::class_sampling, static_cast<std::uint64_t>(input.step),
                stream_);
  const auto present = static_cast<Index>(end - present_.data());
  Index needed = std::max<Index>(0, wanted_ - present);
  Index left = classes_ - present;
  const Index* next = present_.data();
  count_ = 0;
  for (Index c = 0; c < classes_; ++c) {
    if (next != end && *next == c) {
      ++next;
      chosen_[count_++] = c;
      continue;
    }
    if (needed > 0 && random.below(left) < needed) {
      --needed;
      chosen_[count_++] = c;
    }
    --left;
  }
}

Index TakingPart::place_of(std::int64_t label) const {
  const auto wanted = static_cast<Index>(label);
  if (all()) return wanted;
  return std::lower_bound(chosen_.data(), chosen_.data() + count_, wanted) - chosen_.data();
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
