#include "curves/loss_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <set>

#include "curves/single_loss.h"

namespace kindred::tools {
namespace {

constexpr Index kClasses = 10;
constexpr Index kDepth = 12;
constexpr double kRightAngle = 90;
constexpr double kOwnStays = 60;

struct Batch {
  Matrix rows;
  std::vector<std::int64_t> labels;
  Matrix targets;
};

/// A unit row `degrees` away from the first axis, towards another.
void set_direction(float* row, double degrees, Index axis) {
  const double angle = degrees * std::numbers::pi / 180;
  row[0] = static_cast<float>(std::cos(angle));
  row[axis] = static_cast<float>(std::sin(angle));
}

LossContext context_of(const Batch& batch) {
  LossContext context;
  context.embedding = batch.rows.cols();
  context.batch = batch.rows.rows();
  context.classes = kClasses;
  context.targets = batch.targets.cols();
  return context;
}

double loss_at(SingleLoss& loss, const Batch& batch) {
  std::vector<Index> ids;
  for (Index i = 0; i < batch.rows.rows(); ++i) ids.push_back(i);
  LossInput input;
  input.embeddings = batch.rows.view();
  input.labels = batch.labels;
  input.sample_ids = ids;
  input.targets = batch.targets.view();
  Matrix diff(batch.rows.rows(), batch.rows.cols());
  return loss.compute(Workers(1), input, diff.view()).value;
}

Batch one_number(double x, float target) {
  Batch batch{Matrix(1, 1), {0}, Matrix(1, 1)};
  batch.rows(0, 0) = static_cast<float>(x);
  batch.targets(0, 0) = target;
  return batch;
}

Batch one_row() {
  Batch batch{Matrix(1, kDepth), {0}, {}};
  batch.rows(0, 0) = 1;
  return batch;
}

/// Kin `own` degrees apart, others `others` degrees from both.
Batch four_rows(double own, double others) {
  Batch batch{Matrix(4, kDepth), {0, 0, 1, 1}, {}};
  set_direction(batch.rows.row(0), own / 2, 1);
  set_direction(batch.rows.row(1), -own / 2, 1);
  // The cosine to both is that to the middle of the two times cos(own / 2).
  const double half = std::cos(own / 2 * std::numbers::pi / 180);
  const double cosine = std::cos(others * std::numbers::pi / 180);
  const double tilt =
      half < 1e-9 ? kRightAngle
                  : std::acos(std::clamp(cosine / half, -1.0, 1.0)) * 180 / std::numbers::pi;
  set_direction(batch.rows.row(2), tilt, 2);
  set_direction(batch.rows.row(3), tilt, 2);
  return batch;
}

/// As many equal rows as a loss keeps for each class.
void turn_classes(MatrixView rows, double own, double other) {
  const Index rows_of_class = rows.rows() / kClasses;
  for (Index r = 0; r < rows.rows(); ++r) {
    const Index c = r / rows_of_class;
    std::fill_n(rows.row(r), kDepth, 0.0F);
    set_direction(rows.row(r), c == 0 ? own : c == 1 ? other : kRightAngle, c + 1);
  }
}

bool has_class_rows(SingleLoss& loss) {
  const MatrixView rows = loss.class_rows();
  return rows.rows() >= kClasses && rows.rows() % kClasses == 0 && rows.cols() == kDepth;
}

double value_at(const std::string& name, Scene scene, double own, double others) {
  const Batch batch = scene == Scene::classes ? one_row() : four_rows(own, others);
  SingleLoss loss(name, {}, context_of(batch));
  if (scene == Scene::classes) turn_classes(loss.class_rows(), own, others);
  return loss_at(loss, batch);
}

/// The first numbers among a loss's own settings, those of 0 (off) left out.
std::string main_settings(SingleLoss& loss) {
  static const std::set<std::string> kCommon = {
      "weight",  "warm_up_from", "warm_up_to",           "fade_from",
      "fade_to", "memory",       "learning_rate_factor", "class_share"};
  std::vector<std::string> parts;
  for (const Setting& setting : loss.settings()) {
    if (kCommon.contains(setting.key) || parts.size() == 3) continue;
    char* end = nullptr;
    const double value = std::strtod(setting.value.c_str(), &end);
    if (*end == '\0' && value != 0) parts.push_back(fmt::format("{} {:g}", setting.key, value));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

LossCurves curves_of(const LossEntry& entry) {
  LossCurves found;
  found.name = entry.name;
  const Batch batch = entry.needs_targets() ? one_number(0, 0) : one_row();
  SingleLoss loss(found.name, {}, context_of(batch));
  found.settings = main_settings(loss);
  found.scene = entry.needs_targets()  ? Scene::targets
                : has_class_rows(loss) ? Scene::classes
                                       : Scene::pairs;
  for (int i = 0; i < kPoints; ++i) {
    const double share = static_cast<double>(i) / (kPoints - 1);
    if (entry.needs_targets()) {
      const double x = -3 + 6 * share;
      found.curves[0].push_back(loss_at(loss, one_number(x, 1)));
      found.curves[1].push_back(loss_at(loss, one_number(x, 0)));
    } else {
      const double angle = 180 * share;
      found.curves[0].push_back(value_at(found.name, found.scene, angle, kRightAngle));
      const bool left_out = i < kFirstOfOthers || i > kPoints - 1 - kFirstOfOthers;
      if (found.scene == Scene::pairs && left_out) continue;
      found.curves[1].push_back(value_at(found.name, found.scene, kOwnStays, angle));
    }
  }
  return found;
}

}  // namespace

std::vector<LossCurves> loss_curves() {
  const ComputeScope scope;
  std::vector<LossCurves> all;
  for (const LossEntry& entry : loss_registry()) all.push_back(curves_of(entry));
  return all;
}

}  // namespace kindred::tools
