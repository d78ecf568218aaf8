#pragma once
#include <array>
#include <string>
#include <vector>

namespace kindred::tools {

/// The batch on which a loss is drawn.
enum class Scene {
  targets,  ///< one number x from -3 to 3, with target 1 and with target 0
  classes,  ///< one unit row and ten class rows: its own, one other, eight at a right angle
  pairs,    ///< four unit rows: two kin, and two others that stand together
};

/// A loss on its scene, with its default settings.
struct LossCurves {
  std::string name;
  Scene scene = Scene::pairs;
  std::string settings;  ///< "scale 64, margin 0.5"
  /// targets: with target 1, with target 0. Else over angles: what is its own (class row, kin)
  /// turns away while the others stay at 90 degrees; the others turn while its own stays at 60.
  std::array<std::vector<double>, 2> curves;
};

/// Points of a curve from end to end of the axis; in steps of 3 degrees.
inline constexpr int kPoints = 61;
/// The first point of the second curve over pairs: others are no nearer to both of two kin than
/// half their angle. As many are missing at the end.
inline constexpr int kFirstOfOthers = 10;

/// Of every registered loss. The scene follows from what a loss asks for: targets, class rows.
std::vector<LossCurves> loss_curves();

}  // namespace kindred::tools
