#pragma once
#include <span>

#include "kindred/core/index.h"

namespace kindred {

/// P classes x K samples that a data set can give.
struct BatchChoice {
  Index classes = 0;            ///< in a batch
  Index samples_per_class = 0;  ///< in a batch
  Index min_class_size = 0;     ///< classes with fewer are not trained on
  Index slice = 0;
  Index kept_classes = 0;  ///< that are trained on
  Index kept_samples = 0;

  Index batch() const { return classes * samples_per_class; }
};

/// `sizes` of classes, smallest first; `reserved` of them may be kept out for validation,
/// whichever. All zeros where fewer than two classes have two samples.
BatchChoice choose_batch(std::span<const Index> sizes, Index reserved);

}  // namespace kindred
