#pragma once
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "kindred/core/index.h"
#include "kindred/core/random.h"

namespace kindred {

/// Deals the numbers 0 to n-1 in hands, from one random permutation after the other: all are used
/// up before any repeats, and no hand holds a number twice. What a hand holds is a function of
/// (seed, purpose, id, number of the hand); asking in order is fast, going back costs at most
/// hand / gcd(hand, n) permutations.
class Deck {
 public:
  /// REQUIRES: 1 <= hand <= n.
  Deck(Index n, Index hand, std::uint64_t seed, Purpose purpose, std::uint64_t id);
  /// Fills dealt [hand]. No allocation.
  void deal(Index number, std::span<Index> dealt);

 private:
  void go_to(Index round);
  void next_round(Index round, Index tail);

  Index n_;
  Index hand_;
  Index period_;  ///< rounds until hands and permutations begin together again
  std::uint64_t seed_;
  Purpose purpose_;
  std::uint64_t id_;
  Index round_ = -1;                 ///< of what `order_` holds
  std::vector<std::int32_t> order_;  ///< the permutation; behind it, room for the last one's tail
};

}  // namespace kindred
