#include "loss/bases/margin_schedule.h"
#include "loss/bases/margins.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// ArcFace where a class has several centers, and its cosine is the greatest of theirs: noisy
/// samples gather at a center of their own.
class SubcenterArcface : public CrossEntropyHead {
 public:
  SubcenterArcface(const LossContext& context, ParameterTable& table, const HeadSettings& head,
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

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& table,
                           State& /*state*/) {
  HeadSettings head;
  head.normalize = true;
  head.scale = 64;
  head.sub_centers = 3;
  bool easy_margin = false;
  section.read("sub_centers", head.sub_centers, "centers of each class", {1, 64});
  read_scale(section, head);
  const MarginSchedule margin(section, 0.5, "added to the own class's angle, in radians", {0, 1.5});
  section.read("easy_margin", easy_margin, "margin only where the angle is below 90 degrees");
  read_learning_rate_factor(section, head);
  read_class_share(section, head);
  return std::make_unique<SubcenterArcface>(context, table, head, margin, easy_margin);
}

}  // namespace

LossEntry subcenter_arcface_loss() {
  return {"subcenter_arcface", "ArcFace with several centers a class (Deng et al. 2020)", true,
          false, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
