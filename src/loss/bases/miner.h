#pragma once
#include "core/lanes.h"
#include "kindred/loss/miner.h"
#include "loss/bases/similarity.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// What a miner sees of one anchor: the numbers between it and every reference row.
struct Anchor {
  Index row = 0;
  Index embedding = 0;  ///< D
  Measure measure = Measure::similarity;
  const Scalar* values = nullptr;  ///< [references], zeros to a multiple of kLanes
  Index references = 0;
  Index step = 0;
  std::uint64_t seed = 0;

  /// Smaller is nearer, whatever the measure.
  KINDRED_INLINE Lanes distances(Index j) const {
    const Lanes v = load(values + j);
    return measure == Measure::similarity ? -v : v;
  }
  Scalar distance(Index j) const { return measure == Measure::similarity ? -values[j] : values[j]; }
};

/// What a reference row is to an anchor.
enum Kind : LaneInt { kOther = -1, kUnused = 0, kKin = 1 };

/// Chooses which pairs of an anchor a loss uses. Stateless: a pure function of what it is given.
class Miner {
 public:
  virtual ~Miner() = default;
  /// kinds [references, to a multiple of kLanes] hold all kin and all others; turns those not
  /// chosen into kUnused. Ties go to the lower row.
  virtual void choose(const Anchor& anchor, LaneInt* kinds) const = 0;
};

/// Reads `mining`: the name of a miner.
std::string read_mining(Section section, std::string default_name);
/// The miner of that name, its settings read from the section.
std::unique_ptr<Miner> make_miner(const std::string& name, Section section);

/// The nearest or farthest reference row of that kind, -1 where there is none.
Index nearest_of_kind(const Anchor& anchor, const LaneInt* kinds, Kind kind);
Index farthest_of_kind(const Anchor& anchor, const LaneInt* kinds, Kind kind);
/// Keeps these two reference rows, -1 for none, and no other.
void keep_pair(const Anchor& anchor, Index kin, Index other, LaneInt* kinds);

}  // namespace KINDRED_SCALAR
}  // namespace kindred
