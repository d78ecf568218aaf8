#include "train/choose/batch_choice.h"

#include <algorithm>
#include <numeric>

namespace kindred {
namespace {

constexpr Index kSlice = 16;

struct Kept {
  Index classes = 0;
  Index samples = 0;
  Index smallest = 0;
};

Kept kept_of(std::span<const Index> sizes, Index least) {
  const auto first = std::lower_bound(sizes.begin(), sizes.end(), least);
  return {sizes.end() - first, std::accumulate(first, sizes.end(), Index{0}),
          first == sizes.end() ? 0 : *first};
}

// Few samples want many small steps, many samples want gradients of many.
Index batch_for(Index samples) { return samples >= 2048 ? 128 : samples >= 768 ? 64 : 48; }

// The largest divisor up to kSlice.
Index slice_for(Index batch) {
  for (Index slice = std::min(kSlice, batch); slice > 1; --slice) {
    if (batch % slice == 0) return slice;
  }
  return 1;
}

}  // namespace

BatchChoice choose_batch(std::span<const Index> sizes, Index reserved) {
  BatchChoice choice;
  const Kept pairs = kept_of(sizes, 2);
  const Kept fours = kept_of(sizes, 4);
  // More than two samples of a class are more pairs, but no reason to lose classes.
  const bool four = fours.classes - reserved >= 2 && fours.samples * 10 >= pairs.samples * 9;
  const Kept& kept = four ? fours : pairs;
  const Index available = kept.classes - reserved;
  if (available < 2) return choice;
  const Index most = batch_for(kept.samples);
  choice.samples_per_class = four ? 4 : 2;
  choice.min_class_size = choice.samples_per_class;
  choice.classes = std::min(available, most / choice.samples_per_class);
  while (choice.classes * choice.samples_per_class * 2 <= most &&
         choice.samples_per_class * 2 <= kept.smallest) {
    choice.samples_per_class *= 2;
  }
  const Index whole = std::max<Index>(1, kSlice / choice.samples_per_class);  // classes of a slice
  if (choice.classes > whole) choice.classes -= choice.classes % whole;
  choice.slice = slice_for(choice.batch());
  choice.kept_classes = kept.classes;
  choice.kept_samples = kept.samples;
  return choice;
}

}  // namespace kindred
