#include "kindred/loss/objective.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kindred/core/error.h"
#include "kindred/loss/weight_schedule.h"
#include "loss/between_class_cosine.h"
#include "loss/loss_kernels.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr std::size_t kScalars = 16;  // a loss reports at most so many

struct Term {
  std::unique_ptr<Loss> loss;
  WeightSchedule weight;
};

}  // namespace

struct KINDRED_HIDDEN Objective::Impl {
  std::vector<Term> terms;
  std::vector<LossReport> reports;
  bool needs_labels = false;
  bool needs_targets = false;
  std::vector<LossNeeds> needs;
  ScalarMatrix unit;
  ScalarMatrix diff_unit;
  Buffer<Scalar> lengths;
  double mean_length = 0;
  BetweenClassCosine between_classes;
};

Objective::Objective(Section root, const LossContext& context, ParameterTable& table, State& state)
    : impl_(std::make_unique<Impl>()) {
  constexpr std::size_t kMost = 64;  // each has its numbers in a line of the log
  if (root.sections("loss").size() > kMost) {
    root.fail(fmt::format("[[loss]] stands {} times; at most {} losses are summed",
                          root.sections("loss").size(), kMost));
  }
  for (Section section : root.sections("loss")) {
    std::string name;
    section.read("name", name, "which loss; `kindred list losses` shows them");
    if (name.empty()) section.fail("a [[loss]] needs a name, as in name = \"softmax\"");
    Term term{nullptr, WeightSchedule(section)};
    const LossEntry& entry = find_loss(name);
    const auto before =
        std::count_if(impl_->reports.begin(), impl_->reports.end(), [&](const LossReport& report) {
          return report.name == name || report.name.starts_with(name + ".");
        });
    LossReport report;
    report.name = before == 0 ? name : fmt::format("{}.{}", name, before + 1);
    report.scheduled = term.weight.varies();
    report.scalars.reserve(kScalars);
    LossContext own = context;
    own.name = "loss." + report.name;
    term.loss = entry.make(section, own, table, state);
    section.finish();
    impl_->needs_labels = impl_->needs_labels || entry.needs_labels();
    impl_->needs_targets = impl_->needs_targets || entry.needs_targets();
    const bool takes_memory = std::ranges::any_of(
        section.settings(), [](const Setting& setting) { return setting.key == "memory"; });
    impl_->needs.push_back({report.name, entry.learns_from, term.loss->memory(), takes_memory});
    impl_->terms.push_back(std::move(term));
    impl_->reports.push_back(std::move(report));
  }
  if (impl_->terms.empty()) root.fail("no [[loss]]; name at least one, as in name = \"softmax\"");
  impl_->unit = ScalarMatrix(context.batch, context.embedding);
  impl_->diff_unit = ScalarMatrix(context.batch, context.embedding);
  impl_->lengths = Buffer<Scalar>(context.batch);
  impl_->between_classes = BetweenClassCosine(context.batch, context.embedding);
}

Objective::~Objective() = default;

void Objective::initialise(std::uint64_t seed, std::span<Scalar> parameters) {
  for (Term& term : impl_->terms) term.loss->initialise(seed, parameters);
}

bool Objective::needs_labels() const { return impl_->needs_labels; }
bool Objective::needs_targets() const { return impl_->needs_targets; }
const std::vector<LossNeeds>& Objective::needs() const { return impl_->needs; }
const std::vector<LossReport>& Objective::reports() const { return impl_->reports; }
double Objective::mean_length() const { return impl_->mean_length; }
double Objective::between_class_cosine() const { return impl_->between_classes.mean(); }

double Objective::compute(const Workers& workers, LossInput input, ScalarView diff_embeddings,
                          std::span<Scalar> diff_parameters) {
  const Index batch = input.embeddings.rows();
  const ScalarView unit = impl_->unit.view().rows_from(0, batch);
  const ScalarView diff_unit = impl_->diff_unit.view().rows_from(0, batch);
  const LossKernels& rows = kernels<LossKernels>();
  rows.unit_rows(workers, input.embeddings, unit, impl_->lengths.span(), {});
  input.unit = unit;
  if (impl_->needs_labels) {
    impl_->between_classes.measure(unit, impl_->lengths.span(), input.labels);
  } else {
    impl_->between_classes.measure_equality(input.embeddings);
  }
  diff_unit.fill(0);
  diff_embeddings.fill(0);

  double sum = 0;
  for (std::size_t t = 0; t < impl_->terms.size(); ++t) {
    Term& term = impl_->terms[t];
    LossReport& report = impl_->reports[t];
    report.scalars.clear();
    report.weight = term.weight.at(input.step, input.planned_steps);
    LossOutput output{static_cast<Scalar>(report.weight), diff_embeddings, diff_unit,
                      diff_parameters, &report.scalars};
    report.value = term.loss->compute(workers, input, output);
    sum += report.weight * report.value;
  }
  rows.unit_rows_backward(workers, unit, impl_->lengths.span(), diff_unit, diff_embeddings, false,
                          {});

  double lengths = 0;
  for (Index i = 0; i < batch; ++i) lengths += static_cast<double>(impl_->lengths[i]);
  impl_->mean_length = lengths / static_cast<double>(std::max<Index>(batch, 1));
  // A NaN among the embeddings must not hide behind a comparison that it loses.
  return std::isfinite(lengths) ? sum : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
