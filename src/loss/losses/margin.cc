#include "loss/bases/row_math.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

struct MarginSettings {
  double margin = 0.2;
  double beta = 1.2;
  bool learn_beta = true;
  bool beta_per_class = false;
  double learning_rate_factor = 1;
};

/// Kin within and others beyond a boundary beta that is learned, by a margin:
///   [d(a,p) − beta + margin]₊ and [beta − d(a,n) + margin]₊, mean over the terms above 0
/// beta is one number, or one for each class of anchors: the segment "NAME.beta".
class Margin : public PairLoss {
 public:
  Margin(const LossContext& context, const MarginSettings& settings, ParameterTable& table,
         PairSettings pairs, State& state)
      : PairLoss(context, std::move(pairs), state), settings_(settings) {
    if (!settings.learn_beta) return;
    betas_ = settings.beta_per_class ? context.classes : 1;
    offset_ =
        table.add(context.name + ".beta", {betas_}, false, settings.learning_rate_factor).offset;
  }

  void initialise(std::uint64_t /*seed*/, std::span<Scalar> parameters) override {
    for (Index b = 0; b < betas_; ++b) {
      parameters[static_cast<std::size_t>(offset_ + b)] = static_cast<Scalar>(settings_.beta);
    }
  }

 private:
  void begin(const LossInput& input) override {
    labels_ = input.labels;
    parameters_ = input.parameters;
  }

  std::size_t beta_of(Index anchor) const {
    const auto label = static_cast<Index>(labels_[static_cast<std::size_t>(anchor)]);
    return static_cast<std::size_t>(offset_ + (settings_.beta_per_class ? label : 0));
  }

  PairTerms anchor_terms(const PairRow& row) override {
    const auto margin = static_cast<Scalar>(settings_.margin);
    const Scalar beta =
        betas_ > 0 ? parameters_[beta_of(row.anchor)] : static_cast<Scalar>(settings_.beta);
    LaneSum value;
    IntLanes kin_count{};
    IntLanes other_count{};
    for (Index j = 0; j < row.size; j += kLanes) {
      const Lanes distance = load(row.values + j);
      const Lanes too_far = select(is_kin(row, j), distance - beta + margin, Lanes{});
      const Lanes too_near = select(is_other(row, j), beta - distance + margin, Lanes{});
      const IntLanes pulled = too_far > 0;
      const IntLanes pushed = too_near > 0;
      value.add(max(too_far, Lanes{}) + max(too_near, Lanes{}));
      kin_count -= pulled;
      other_count -= pushed;
      store(row.gradient + j,
            select(pulled, broadcast(1), Lanes{}) - select(pushed, broadcast(1), Lanes{}));
    }
    PairTerms terms{.value = value.total()};
    terms.candidates = static_cast<double>(row.count(kKin) + row.count(kOther));
    for (Index l = 0; l < kLanes; ++l) {
      terms.count += static_cast<double>(kin_count[l] + other_count[l]);
      terms.slope += static_cast<double>(other_count[l] - kin_count[l]);
    }
    terms.active = terms.count;  // and slope: Σ d term / d beta
    return terms;
  }

  /// d loss / d beta.
  void finish(const LossInput& input, double factor, LossOutput& output) override {
    for (Index b = 0; b < betas_; ++b) {
      output.diff_parameters[static_cast<std::size_t>(offset_ + b)] = 0;
    }
    if (betas_ == 0) return;
    for (Index i = 0; i < input.embeddings.rows(); ++i) {
      output.diff_parameters[beta_of(i)] += static_cast<Scalar>(factor * terms_of(i).slope);
    }
  }

  MarginSettings settings_;
  Index betas_ = 0;
  Index offset_ = 0;
  std::span<const std::int64_t> labels_;
  std::span<const Scalar> parameters_;
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& table,
                           State& state) {
  MarginSettings settings;
  PairSettings pairs;
  read_distance(section, pairs);
  section.read("margin", settings.margin, "on both sides of beta, in the unit of the distance",
               {0, 1e3});
  section.read("beta", settings.beta, "boundary between kin and others, at the start", {0, 1e3});
  section.read("learn_beta", settings.learn_beta, "beta is trained");
  section.read("beta_per_class", settings.beta_per_class, "a beta for each class");
  section.read("learning_rate_factor", settings.learning_rate_factor,
               "of beta, times the optimizer's learning rate", {0, 1e4});
  read_pairs(section, context, "distance_weighted", pairs);
  return std::make_unique<Margin>(context, settings, table, std::move(pairs), state);
}

}  // namespace

LossEntry margin_loss() {
  return {"margin", "kin and others on two sides of a learned boundary (Wu et al. 2017)",
          LearnsFrom::pairs, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
