#pragma once
#include <optional>

#include "kindred/core/export.h"
#include "kindred/core/parallel.h"
#include "kindred/gallery/gallery.h"
#include "kindred/gallery/gallery_snapshot.h"

namespace KINDRED_API kindred {

/// A threshold, and what it was chosen by.
struct CalibratedThreshold {
  double threshold = 0;  ///< scores from here on are accepted
  Index trials = 0;      ///< scores of what must not be accepted
  Index accepted = 0;    ///< of them, all the same: at most the rate asked for
  /// Trials that a rate asks for: where none of 3 / rate is accepted, the true rate is below it
  /// with 95 % confidence (the rule of three).
  Index needed = 0;
  bool enough() const { return trials >= needed; }
};

struct Calibration {
  double far = 0;
  Index pictures = 0;  ///< that show a known identity
  Index identities = 0;
  CalibratedThreshold identify;           ///< trials are pictures
  CalibratedThreshold identify_centroid;  ///< trials are pictures
  CalibratedThreshold compare;            ///< trials are pairs of pictures

  GalleryThresholds thresholds() const;
};

/// Chooses thresholds by what the gallery's own pictures score with others.
///   identify  a picture's best score with any picture of another identity, its own left out: what
///             a stranger would reach. `far` is a share of queries
///   compare   the scores of all pairs of pictures of two identities. `far` is a share of pairs
/// Each threshold is the lowest that accepts at most floor(far · trials) of them. Of more than
/// 10,000 pictures (of pairs: 4,000), as many are taken, evenly by their number.
/// Fails with usage on a rate outside of (0, 1), with data where there are no two identities.
Calibration calibrate(const Workers& workers, const GallerySnapshot& snapshot, double far);

}  // namespace kindred
