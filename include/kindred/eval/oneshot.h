#pragma once
#include <cstdint>
#include <span>

#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"

namespace KINDRED_API kindred {

/// Error of few-shot classification over episodes.
struct OneShotResult {
  Index episodes = 0;
  Index test_images = 0;
  Index wrong = 0;
  double error = 0;      ///< wrong / test_images
  double error_std = 0;  ///< over episodes (population)
  /// 95 % interval of the mean over episodes, ± 1.96 · sample deviation / sqrt(episodes), within
  /// [0, 1]
  double error_low = 0;
  double error_high = 0;
};

/// A test image (role 1) takes the class of the nearest training embedding (role 0) of its
/// episode, by cosine; ties to the lower index. Fails with data when an episode has no training
/// image or a test image's class has none.
OneShotResult evaluate_oneshot(const Workers& workers, ConstMatrixView embeddings,
                               std::span<const std::int64_t> labels,
                               std::span<const std::int32_t> episode,
                               std::span<const std::uint8_t> role);

struct EpisodeOptions {
  Index ways = 20;    ///< classes of an episode, at least 2
  Index shots = 1;    ///< training images of each class
  Index queries = 1;  ///< test images of each class
  Index episodes = 1000;
  std::uint64_t seed = 1;
};

/// Episodes drawn at random: `ways` of the classes that have at least shots + queries images, and
/// that many images of each. A class is the mean of the unit embeddings of its training images
/// (Snell et al. 2017, with the cosine); a test image takes the class of highest cosine, ties to
/// the class drawn first. The same for any number of threads.
/// Fails with data on counts that disagree, rows that are not finite and too few such classes, with
/// usage on options that cannot be.
OneShotResult evaluate_episodes(const Workers& workers, ConstMatrixView embeddings,
                                std::span<const std::int64_t> labels,
                                const EpisodeOptions& options);

}  // namespace kindred
