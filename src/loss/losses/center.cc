#include "loss/losses/center.h"

#include <algorithm>
#include <cmath>

#include "core/lanes.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kRows = 16;   // rows of the batch a task owns
constexpr Index kGroups = 4;  // classes of the batch a task owns

Index label(const LossInput& input, Index i) {
  return static_cast<Index>(input.labels[static_cast<std::size_t>(i)]);
}

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& /*table*/,
                           State& state) {
  return std::make_unique<Center>(context, read_center(section), state);
}

}  // namespace

CenterSettings read_center(Section section) {
  CenterSettings settings;
  std::string update = "wen2016";
  section.read_choice("update", update, {"wen2016", "facenet"},
                      "how centers move: as published, or as in the facenet code");
  settings.published = update == "wen2016";
  if (!settings.published) settings.alpha = 0.05;
  section.read("alpha", settings.alpha, "step of the centers; 0.5 published, 0.05 in facenet",
               {0, 1});
  section.read("normalize", settings.normalize, "unit rows instead of the raw embeddings");
  return settings;
}

Center::Center(const LossContext& context, const CenterSettings& settings, State& state)
    : settings_(settings),
      centers_(
          state.add<Scalar>(context.name + ".centers", {context.classes, context.embedding}).data(),
          context.classes, context.embedding),
      classes_(context.batch),
      squared_(context.batch) {}

double Center::compute(const Workers& workers, const LossInput& input, LossOutput& output) {
  const ConstScalarView x = settings_.normalize ? input.unit : input.embeddings;
  const ScalarView diff = settings_.normalize ? output.diff_unit : output.diff_embeddings;
  const auto count = static_cast<double>(
      std::max<Index>(settings_.published ? 2 * x.rows() : x.rows() * x.cols(), 1));
  const auto factor = static_cast<Scalar>(2 * static_cast<double>(output.weight) / count);
  workers.for_blocks(x.rows(), kRows, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) {
      const Scalar* row = x.row(i);
      const Scalar* center = centers_.row(label(input, i));
      squared_[i] = squared_difference(row, center, x.cols());
      Scalar* to = diff.row(i);
      for (Index k = 0; k < x.cols(); ++k) to[k] += factor * (row[k] - center[k]);
    }
  });
  move_centers(workers, input, x);

  double sum = 0;
  double distances = 0;
  for (Index i = 0; i < x.rows(); ++i) {
    sum += squared_[i];
    distances += std::sqrt(squared_[i]);
  }
  if (output.scalars != nullptr) {
    output.scalars->push_back(
        {"mean_distance", distances / static_cast<double>(std::max<Index>(x.rows(), 1))});
  }
  return sum / count;
}

void Center::move_centers(const Workers& workers, const LossInput& input, ConstScalarView x) {
  classes_.group(input.labels);
  workers.for_blocks(classes_.count(), kGroups, [&](Index begin, Index end, int) {
    for (Index c = begin; c < end; ++c) {
      const std::span<const Index> members = classes_.members(c);
      Scalar* center = centers_.row(label(input, members.front()));
      const double divisor = settings_.published ? 1 + static_cast<double>(members.size()) : 1;
      const double step = settings_.alpha / divisor;
      for (Index k = 0; k < x.cols(); ++k) {
        const double before = center[k];
        double pull = 0;
        for (const Index i : members) pull += before - static_cast<double>(x(i, k));
        center[k] = static_cast<Scalar>(before - step * pull);
      }
    }
  });
}

LossEntry center_loss() {
  return {"center", "distance to a moving center of the class (Wen et al. 2016)",
          LearnsFrom::classes, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
