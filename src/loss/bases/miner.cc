#include "loss/bases/miner.h"

#include "loss/loss_kernels.h"

#include <algorithm>
#include <vector>

// clang-format off
// One line a miner: miner(NAME) stands for the function `MinerEntry NAME_miner()` of NAME_miner.cc.
#define KINDRED_MINERS(miner) \
  miner(all) \
  miner(distance_weighted) \
  miner(easy_positive) \
  miner(hard) \
  miner(multi_similarity) \
  miner(semihard)
// clang-format on

namespace kindred {
inline namespace KINDRED_SCALAR {

#define KINDRED_DECLARE(name) MinerEntry name##_miner();
KINDRED_MINERS(KINDRED_DECLARE)
#undef KINDRED_DECLARE

std::span<const MinerEntry> miners() {
#define KINDRED_ENTRY(name) name##_miner(),
  static const MinerEntry entries[] = {KINDRED_MINERS(KINDRED_ENTRY)};
#undef KINDRED_ENTRY
  return entries;
}

std::string read_mining(Section section, std::string default_name) {
  std::vector<std::string> names;
  for (const MinerEntry& entry : miners()) names.emplace_back(entry.name);
  std::string name = std::move(default_name);
  section.read_choice("mining", name, names, "which pairs; `kindred list miners` describes them");
  return name;
}

std::unique_ptr<Miner> make_miner(const std::string& name, Section section) {
  for (const MinerEntry& entry : miners()) {
    if (entry.name == name) return entry.make(section);
  }
  return nullptr;  // read_mining knows the names
}

namespace {

template <bool farthest>
Index extreme_of_kind(const Anchor& anchor, const LaneInt* kinds, Kind kind) {
  constexpr Scalar kNone = std::numeric_limits<Scalar>::infinity();
  Lanes best = broadcast(kNone);
  IntLanes where = broadcast_int(-1);
  IntLanes here = count_from(0);
  for (Index j = 0; j < anchor.references; j += kLanes) {
    const Lanes distance = farthest ? -anchor.distances(j) : anchor.distances(j);
    const IntLanes better = (load(kinds + j) == static_cast<LaneInt>(kind)) & (distance < best);
    best = select(better, distance, best);
    where = select(better, here, where);
    here += static_cast<LaneInt>(kLanes);
  }
  Index found = -1;
  Scalar least = kNone;
  for (Index l = 0; l < kLanes; ++l) {
    const auto j = static_cast<Index>(where[l]);
    if (j < 0) continue;
    if (found < 0 || best[l] < least || (best[l] == least && j < found)) {
      least = best[l];
      found = j;
    }
  }
  return found;
}

}  // namespace

Index nearest_of_kind(const Anchor& anchor, const LaneInt* kinds, Kind kind) {
  return extreme_of_kind<false>(anchor, kinds, kind);
}
Index farthest_of_kind(const Anchor& anchor, const LaneInt* kinds, Kind kind) {
  return extreme_of_kind<true>(anchor, kinds, kind);
}

void keep_pair(const Anchor& anchor, Index kin, Index other, LaneInt* kinds) {
  std::fill_n(kinds, anchor.references, kUnused);
  if (kin >= 0) kinds[kin] = kKin;
  if (other >= 0) kinds[other] = kOther;
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
