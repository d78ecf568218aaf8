#include "loss/bases/angular_margin.h"

#include "loss/bases/margin_schedule.h"
#include "loss/bases/margins.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// Cross-entropy of scaled cosines, the own class's angle widened by `margin`: cos(θ + margin).
/// With several centers a class's cosine is the greatest of theirs.
class AngularMargin : public CrossEntropyHead {
 public:
  AngularMargin(const LossContext& context, ParameterTable& table, const HeadSettings& head,
                const MarginSchedule& margin, bool easy_margin)
      : CrossEntropyHead(context, table, head), schedule_(margin), easy_margin_(easy_margin) {}

  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override {
    margin_ = schedule_.at(input, output);
    return CrossEntropyHead::compute(workers, input, output);
  }

 private:
  Derived target(double cosine) const override { return arc_margin(cosine, margin_, easy_margin_); }

  MarginSchedule schedule_;
  double margin_ = 0;
  bool easy_margin_;
};

}  // namespace

std::unique_ptr<Loss> make_angular_margin(Section section, const LossContext& context,
                                          ParameterTable& table, Index sub_centers) {
  HeadSettings head;
  head.normalize = true;
  head.scale = 64;
  head.sub_centers = sub_centers;
  bool easy_margin = false;
  read_scale(section, head);
  const MarginSchedule margin(section, 0.5, "added to the own class's angle, in radians", {0, 1.5});
  section.read("easy_margin", easy_margin, "margin only where the angle is below 90 degrees");
  read_learning_rate_factor(section, head);
  read_class_share(section, head);
  return std::make_unique<AngularMargin>(context, table, head, margin, easy_margin);
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
