#pragma once
#include <cstdint>
#include <span>

#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"

namespace kindred {

/// Error of N-way one-shot classification over published episodes.
struct OneShotResult {
  Index episodes = 0;
  Index test_images = 0;
  Index wrong = 0;
  double error = 0;      ///< wrong / test_images
  double error_std = 0;  ///< over episodes (population)
};

/// A test image (role 1) takes the class of the nearest training embedding (role 0) of its
/// episode, by cosine; ties to the lower index. Fails with data when an episode has no training
/// image or a test image's class has none.
OneShotResult evaluate_oneshot(const Workers& workers, ConstMatrixView embeddings,
                               std::span<const std::int64_t> labels,
                               std::span<const std::int32_t> episode,
                               std::span<const std::uint8_t> role);

}  // namespace kindred
