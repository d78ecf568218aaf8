#pragma once
#include <array>
#include <optional>
#include <string>
#include <unordered_map>

#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

/// In pixels of the upright picture, from its upper left corner; a pixel's center lies at halves.
struct PicturePoint {
  double x = 0;
  double y = 0;
};

struct PictureBox {
  double x = 0;  ///< of the upper left corner
  double y = 0;
  double width = 0;
  double height = 0;
};

/// Left eye, right eye, tip of the nose, left and right corner of the mouth, as the viewer sees
/// them.
using FiveLandmarks = std::array<PicturePoint, 5>;

/// What of a picture is meant: cut out first, then prepared as any picture is. Nothing: all of it.
struct PictureRegion {
  std::optional<PictureBox> box;
  std::optional<FiveLandmarks> landmarks;
  bool empty() const { return !box && !landmarks; }
};

/// target = (scale_cos -scale_sin; scale_sin scale_cos) · source + shift.
struct SimilarityTransform {
  double scale_cos = 1;
  double scale_sin = 0;
  PicturePoint shift;

  PicturePoint operator()(const PicturePoint& p) const {
    return {scale_cos * p.x - scale_sin * p.y + shift.x,
            scale_sin * p.x + scale_cos * p.y + shift.y};
  }
};

/// Where five landmarks lie in the customary face of 112 x 112 pixels (ArcFace, Deng et al. 2019).
extern const FiveLandmarks kFaceTemplate;
constexpr Index kFaceSide = 112;

/// The turn, scale and shift with the least squared distance from the moved source to the target
/// (Umeyama 1991, without mirroring). Nothing where the points tell of none: they are not finite,
/// fall together, or the best scale is 0.
std::optional<SimilarityTransform> estimate_similarity(const FiveLandmarks& source,
                                                       const FiveLandmarks& target);

}  // namespace kindred
