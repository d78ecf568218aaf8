#include "train/runs/collapse_watch.h"

#include <fmt/format.h>

#include <string_view>

namespace kindred {
namespace {

constexpr Index kPatience = 50;         // steps in a row
constexpr double kActive = 0.999;       // share of active triplets
constexpr double kSameDistance = 0.01;  // spread of distances over their mean

double scalar(const LossReport& report, std::string_view name) {
  for (const LossScalar& item : report.scalars) {
    if (item.name == name) return item.value;
  }
  return -1;
}

bool collapsed(const LossReport& report) {
  const double mean = scalar(report, "mean_distance");
  const double spread = scalar(report, "distance_spread");
  return scalar(report, "active_share") >= kActive && mean >= 0 && spread >= 0 &&
         spread <= kSameDistance * mean + 1e-12;
}

}  // namespace

std::optional<std::string> CollapseWatch::look(Index step, std::span<const LossReport> losses) {
  for (const LossReport& report : losses) {
    if (scalar(report, "active_share") < 0) continue;
    in_a_row_ = collapsed(report) ? in_a_row_ + 1 : 0;
    if (in_a_row_ >= kPatience && !told_) {
      told_ = true;
      return fmt::format(
          "step {}: loss '{}' looks collapsed: for {} steps all its triplets were active and all "
          "distances agreed; lower optimizer.learning_rate, start with mining = \"semihard\", or "
          "add a softmax loss",
          step, report.name, kPatience);
    }
    break;
  }
  return std::nullopt;
}

}  // namespace kindred
