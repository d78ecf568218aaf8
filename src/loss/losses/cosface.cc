#include "loss/bases/cross_entropy_head.h"
#include "loss/bases/margin_schedule.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// Cross-entropy of scaled cosines, the own class's lowered by `margin`: cos θ − margin.
class Cosface : public CrossEntropyHead {
 public:
  Cosface(const LossContext& context, ParameterTable& table, const HeadSettings& head,
          const MarginSchedule& margin)
      : CrossEntropyHead(context, table, head), schedule_(margin) {}

  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override {
    margin_ = schedule_.at(input, output);
    return CrossEntropyHead::compute(workers, input, output);
  }

 private:
  Derived target(double cosine) const override { return {cosine - margin_, 1}; }

  MarginSchedule schedule_;
  double margin_ = 0;
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& table,
                           State& /*state*/) {
  HeadSettings head;
  head.normalize = true;
  head.scale = 64;
  read_scale(section, head);
  const MarginSchedule margin(section, 0.35, "taken from the own class's cosine", {0, 1});
  read_learning_rate_factor(section, head);
  read_class_share(section, head);
  return std::make_unique<Cosface>(context, table, head, margin);
}

}  // namespace

LossEntry cosface_loss() {
  return {"cosface", "cosines with an additive margin (Wang et al. 2018)", LearnsFrom::classes,
          make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
