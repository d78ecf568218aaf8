#pragma once
#include <array>
#include <cstdint>

#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

/// What a stream of random numbers is for; part of its key, so that no two uses share numbers.
/// The values are part of what "same seed, same bits" means: never renumber.
enum class Purpose : std::uint32_t {
  initialise = 1,
  sample = 2,
  augment = 3,
  dropout = 4,
  mining = 5,
  class_sampling = 6,
  split = 7,
  bootstrap = 8,
  clustering = 9,
  test = 10,
  projection = 11,
  episodes = 12,
  pairs = 13,
};

/// Counter-based random numbers: a pure function of (seed, purpose, a, b), whatever thread asks.
/// `a` and `b` are for instance step and sample. Philox 4x32-10.
/// Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
class Random {
 public:
  Random(std::uint64_t seed, Purpose purpose, std::uint64_t a = 0, std::uint64_t b = 0);

  /// Leaves out so many results of next(), in no time.
  void skip(std::uint64_t count);
  std::uint32_t next();
  std::uint64_t next64();
  /// Uniform in [0, 1), 24 random bits.
  float uniform();
  /// Uniform in [low, high).
  float uniform(float low, float high);
  /// Standard normal (Box-Muller).
  float normal();
  /// Uniform in [0, n), without bias; n >= 1.
  Index below(Index n);

  /// One block of the generator, for tests against the published vectors.
  static std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                             std::array<std::uint32_t, 2> key);

 private:
  void take_block();

  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

/// Permutes items[0..n) in place, Fisher-Yates from the end, by `random`.
template <typename T>
void shuffle(T* items, Index n, Random& random) {
  for (Index i = n - 1; i > 0; --i) {
    const Index j = random.below(i + 1);
    const T held = items[i];
    items[i] = items[j];
    items[j] = held;
  }
}

}  // namespace kindred
