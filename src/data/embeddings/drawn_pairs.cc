#include <fmt/format.h>

#include <map>

#include "kindred/core/error.h"
#include "kindred/core/random.h"
#include "kindred/data/pair_list.h"

namespace kindred {

PairList draw_pairs(std::span<const std::int64_t> labels, std::span<const Index> rows, Index count,
                    std::uint64_t seed) {
  std::map<std::int64_t, std::vector<Index>> by_label;
  for (const Index row : rows) by_label[labels[static_cast<std::size_t>(row)]].push_back(row);
  std::vector<const std::vector<Index>*> classes;
  std::vector<const std::vector<Index>*> shared;  // by two rows or more
  for (const auto& [label, members] : by_label) {
    classes.push_back(&members);
    if (members.size() > 1) shared.push_back(&members);
  }
  if (shared.empty() || classes.size() < 2) {
    fail(ErrorKind::data,
         fmt::format("no pairs can be drawn: {} rows of {} classes, {} with two rows or more",
                     rows.size(), classes.size(), shared.size()));
  }
  Random random(seed, Purpose::pairs);
  // Two different numbers below n.
  const auto two_of = [&](std::size_t n) {
    const Index a = random.below(static_cast<Index>(n));
    const Index b = random.below(static_cast<Index>(n) - 1);
    return std::pair{static_cast<std::size_t>(a), static_cast<std::size_t>(b < a ? b : b + 1)};
  };
  const auto any_of = [&](const std::vector<Index>& members) {
    return members[static_cast<std::size_t>(random.below(static_cast<Index>(members.size())))];
  };
  PairList list;
  for (Index i = 0; i < count; ++i) {
    const std::vector<Index>& kin =
        *shared[static_cast<std::size_t>(random.below(static_cast<Index>(shared.size())))];
    const auto [a, b] = two_of(kin.size());
    list.first.push_back(kin[a]);
    list.second.push_back(kin[b]);
    list.same.push_back(1);
    const auto [c, d] = two_of(classes.size());
    list.first.push_back(any_of(*classes[c]));
    list.second.push_back(any_of(*classes[d]));
    list.same.push_back(0);
  }
  return list;
}

}  // namespace kindred
