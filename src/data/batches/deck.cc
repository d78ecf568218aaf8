#include "data/batches/deck.h"

#include <algorithm>
#include <cassert>

namespace kindred {

Deck::Deck(Index n, Index hand, std::uint64_t seed, Purpose purpose, std::uint64_t id)
    : n_(n),
      hand_(hand),
      period_(hand / std::gcd(hand, n)),
      seed_(seed),
      purpose_(purpose),
      id_(id),
      order_(static_cast<std::size_t>(n + hand)) {
  assert(hand >= 1 && hand <= n && n <= INT32_MAX);
}

void Deck::deal(Index number, std::span<Index> dealt) {
  assert(static_cast<Index>(dealt.size()) == hand_);
  Index position = number * hand_;
  for (Index& item : dealt) {
    go_to(position / n_);
    item = order_[static_cast<std::size_t>(position % n_)];
    ++position;
  }
}

void Deck::go_to(Index round) {
  if (round == round_) return;
  // A hand that lies across two permutations ties the second to the first. Every `period_` rounds
  // none does: from there on it can be made anew.
  const Index start = round - round % period_;
  if (round_ < start || round_ > round) {
    next_round(start, 0);
  }
  while (round_ < round) {
    next_round(round_ + 1, ((round_ + 1) % period_) * n_ % hand_);
  }
}

// Makes `order_` the permutation of `round`; the last `tail` numbers of the one before are in the
// hand that the new one completes.
void Deck::next_round(Index round, Index tail) {
  const auto begin = order_.begin();
  const auto end = begin + n_;
  const auto kept_end = std::copy(end - tail, end, end);
  std::sort(end, kept_end);
  std::iota(begin, end, 0);
  Random random(seed_, purpose_, static_cast<std::uint64_t>(round), id_);
  shuffle(order_.data(), n_, random);
  round_ = round;
  if (tail == 0) return;
  // Numbers of the tail make way for the next ones behind the hand that are not of it; there are
  // enough, since n >= hand.
  auto other = begin + (hand_ - tail);
  for (auto item = begin; item != begin + (hand_ - tail); ++item) {
    if (!std::binary_search(end, kept_end, *item)) continue;
    while (std::binary_search(end, kept_end, *other)) ++other;
    std::iter_swap(item, other++);
  }
}

}  // namespace kindred
