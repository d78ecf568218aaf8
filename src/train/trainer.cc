#include "kindred/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "batch_share.h"
#include "core/ranks/gradient_tree.h"
#include "gradient_norm.h"
#include "kindred/core/error.h"
#include "kindred/core/time_scope.h"
#include "kindred/nn/network.h"
#include "kindred/train/open_reader.h"
#include "kindred/train/schedule.h"
#include "train/pair_supply.h"
#include "train/parameter_rules.h"
#include "train/sections.h"
#include "train/shards.h"
#include "train/stopwatch.h"
#include "weight_average.h"
#include "worker_profiles.h"

namespace kindred {
namespace {

LossContext loss_context(const Setup& setup, Index embedding, ProcessGroup& group) {
  LossContext context;
  context.embedding = embedding;
  context.classes = setup.set.classes;
  context.batch = setup.batch();
  context.targets = setup.dataset->targets().cols();
  context.seed = setup.seed;
  context.group = &group;
  return context;
}

// Squares of such numbers, and sums of some of these, are finite. False for NaN.
bool is_moderate(double number) { return std::abs(number) < 1e18; }

}  // namespace

struct KINDRED_HIDDEN Trainer::Impl {
  Impl(const Setup& from, const Workers& with, ProcessGroup& in);

  const StepReport& step();
  void embed(const Batch& batch);
  void forward(const Batch& batch, Index s, int worker);
  Slice& slice(Index s, int worker) {
    return *slices[static_cast<std::size_t>(setup.train.recompute ? worker
                                                                  : s - share.first_slice())];
  }
  Pass pass(Index s, int worker) {
    return {setup.seed, carried.step, s * setup.train.slice,
            scratches[static_cast<std::size_t>(worker)].get(), scratches};
  }
  /// Makes what holds the network's numbers while it runs.
  void make_slices();
  /// Compiles the network anew where another part of it is frozen at the step that comes.
  void thaw();
  double measure_losses(const Batch& batch);
  void propagate_back(const Batch& batch);
  void add_up_gradient();
  void update();
  void check_embeddings() const;
  void check_statistics() const;
  void check_losses() const;
  [[noreturn]] void diverged(const std::string& what) const;

  const Setup& setup;
  const Workers& workers;
  BatchShare share;
  Recipe learned_by;  // [[loss]] and [optimizer], with the defaults that were taken
  TrainingState carried;
  Network network;
  std::unique_ptr<Objective> objective;
  std::unique_ptr<Schedule> schedule;
  LearningSettings learning;
  Augmenter augmenter;

  std::vector<std::unique_ptr<Slice>> slices;       // this rank's; one a worker with recompute
  std::vector<std::unique_ptr<Scratch>> scratches;  // one a worker
  Matrix statistics;                                // [slices, ...] of those that lie elsewhere
  std::vector<std::span<const float>> seen;         // by the slices
  Matrix embeddings;                                // E  [B, D]
  Matrix diff_embeddings;                           // dE [B, D]
  Matrix gradient_rows;                             // [own, network.gradient_row_size()]
  Shards shards;                                    // of the class heads
  std::optional<GradientTree> gradient_tree;        // of several ranks
  Buffer<float> gradient;                           // [table.size()]
  GradientNorm gradient_norm;
  Index thaw_at = -1;  // the first step with another part of the network frozen; -1: none
  std::unique_ptr<Reader> reader;
  StepReport report;
  StepTimes times;
  StepTraffic traffic;
  WorkerProfiles profiles;
  std::vector<std::string> notes;
};

Trainer::Impl::Impl(const Setup& from, const Workers& with, ProcessGroup& in)
    : setup(from),
      workers(with),
      share(in, setup.slices(), setup.gradient_rows()),
      learned_by(Recipe::from_text("", from.origin)),
      network(frozen_at(from, 0), from.train.slice, NetworkMode::training, carried.table,
              carried.state),
      augmenter(from.augment, from.dataset->shape(), from.dataset->element(), from.scaling),
      shards(in, carried) {
  carried.shards = &shards;
  mark_segments(setup, 0, carried.table);
  thaw_at = next_thaw(setup, 0);
  Section root = learned_by.root();
  for (const NamedSettings& loss : setup.losses) root.append("loss").put_settings(loss);
  objective = std::make_unique<Objective>(root, loss_context(setup, network.embedding(), in),
                                          carried.table, carried.state);
  if (objective->needs_labels() && !setup.dataset->has_labels()) {
    fail(ErrorKind::data, setup.data_path + ": /labels is missing; the recipe's losses need it");
  }
  if (objective->needs_targets() && setup.dataset->targets().empty()) {
    fail(ErrorKind::data, setup.data_path + ": /targets is missing; the recipe's losses need it");
  }

  notes = check_pair_supply(setup, *objective);
  if (const std::string note = frozen_note(setup, 0, carried.table); !note.empty()) {
    notes.push_back(note);
  }

  Section optimizer = root.section("optimizer");
  optimizer.put_settings(setup.optimizer);
  carried.optimizer = read_optimizer(optimizer, carried.table);
  learning = read_learning(optimizer);
  schedule = std::make_unique<Schedule>(optimizer);
  optimizer.finish();

  carried.parameters = Buffer<float>(carried.table.size());
  gradient = Buffer<float>(carried.table.size());
  network.initialise(setup.seed, carried.parameters.span());
  objective->initialise(setup.seed, carried.parameters.span());
  if (setup.train.average > 0) {
    carried.average = Buffer<float>(carried.table.size());
    std::copy_n(carried.parameters.data(), carried.table.size(), carried.average.data());
  }
  gradient_norm = GradientNorm(carried.table);
  embeddings = Matrix(setup.batch(), network.embedding());
  diff_embeddings = Matrix(setup.batch(), network.embedding());
  make_slices();
}

void Trainer::Impl::make_slices() {
  const bool in_place = !setup.train.recompute && share.is_whole();
  const Index held = setup.train.recompute ? workers.threads() : share.own_slices();
  // Memory lies on the node of the thread that writes it first: not all on this one's.
  slices.resize(static_cast<std::size_t>(held));
  workers.for_each(
      held, [&](Index i, int) { slices[static_cast<std::size_t>(i)] = network.make_slice(); });
  const auto size = static_cast<std::size_t>(network.statistics_size());
  if (!in_place) statistics = Matrix(setup.slices(), network.statistics_size());
  seen.clear();
  for (Index i = 0; i < setup.slices(); ++i) {
    seen.push_back(in_place ? slices[static_cast<std::size_t>(i)]->statistics()
                            : std::span<const float>(statistics.row(i), size));
  }
  scratches.clear();
  for (int i = 0; i < workers.threads(); ++i) scratches.push_back(network.make_scratch());
  gradient_rows = Matrix(share.own_rows(), network.gradient_row_size());
  if (!share.is_whole()) {
    gradient_tree.emplace(share.group(), setup.gradient_rows(), network.gradient_row_size());
  }
  network.pack(workers, carried.parameters.span());
}

void Trainer::Impl::thaw() {
  const Index step = carried.step;
  slices.clear();  // they belong to the network that goes
  network = Network(frozen_at(setup, step), setup.train.slice, NetworkMode::training, carried.table,
                    carried.state);
  mark_segments(setup, step, carried.table);
  carried.optimizer->follow(carried.table);
  gradient.fill(0);
  thaw_at = next_thaw(setup, step);
  make_slices();
  if (!profiles.each().empty()) profiles.start(scratches, network.layers().size());
}

const StepReport& Trainer::Impl::step() {
  if (carried.step == thaw_at) thaw();
  ComputeScope scope;
  if (!reader) {
    const Index samples = setup.train.slice;
    reader = open_reader(setup, carried.step, workers.threads(),
                         {share.first_slice() * samples, share.own_slices() * samples});
  }
  Stopwatch watch;
  const Batch& batch = reader->next();
  watch.add_to(times.wait_for_data);
  embed(batch);
  watch.add_to(times.forward);
  report.loss = measure_losses(batch);
  watch.add_to(times.loss);
  propagate_back(batch);
  watch.add_to(times.backward);
  add_up_gradient();
  watch.add_to(times.reduce);
  update();
  watch.add_to(times.update);
  network.pack_trained(workers, carried.parameters.span());
  watch.add_to(times.pack);
  report.step = ++carried.step;
  return report;
}

void Trainer::Impl::embed(const Batch& batch) {
  workers.for_each(
      share.own_slices(),
      [&](Index s, int worker) { forward(batch, share.first_slice() + s, worker); }, Idle::helps);
  share.gather(embeddings.view(), setup.train.slice, traffic.embeddings);
}

void Trainer::Impl::forward(const Batch& batch, Index s, int worker) {
  const Index rows = setup.train.slice;
  const Index bytes = setup.dataset->sample_bytes();
  const std::byte* const samples = batch.samples.data() - share.first_slice() * rows * bytes;
  Slice& of = slice(s, worker);
  {
    const TimeScope time(profiles.time(worker, &Profile::input));
    for (Index r = 0; r < rows; ++r) {
      const Index i = s * rows + r;
      const Random random(setup.seed, Purpose::augment, static_cast<std::uint64_t>(carried.step),
                          static_cast<std::uint64_t>(i));
      augmenter.apply(samples + i * bytes, batch.turns[static_cast<std::size_t>(i)], random,
                      of.src().row(r));
    }
  }
  of.forward(embeddings.view().rows_from(s * rows, rows), pass(s, worker));
  if (statistics.rows() == 0) return;
  std::copy(of.statistics().begin(), of.statistics().end(), statistics.row(s));
}

double Trainer::Impl::measure_losses(const Batch& batch) {
  LossInput input;
  input.embeddings = embeddings.view();
  if (setup.dataset->has_labels()) input.labels = batch.labels;
  input.sample_ids = batch.entries;
  input.targets = batch.targets.view();
  input.step = carried.step;
  input.planned_steps = setup.planned_steps();
  input.seed = setup.seed;
  input.parameters = carried.parameters.span();
  check_embeddings();
  const Traffic before = share.group().traffic();
  const double value = objective->compute(workers, input, diff_embeddings.view(), gradient.span());
  traffic.losses.add(before, share.group().traffic());
  report.losses = objective->reports();
  report.embedding_norm = objective->mean_length();
  report.between_class_cosine = objective->between_class_cosine();
  check_losses();
  return value;
}

void Trainer::Impl::propagate_back(const Batch& batch) {
  const Index samples = setup.train.slice;
  const auto add_up = [&](Index row, int worker) {
    // The row's slices last to first: the last forward pass is the one still in cache.
    const Index first = share.first_slice_of(share.first_row() + row);
    const Index last = share.first_slice_of(share.first_row() + row + 1) - 1;
    const std::span<float> sums(gradient_rows.row(row),
                                static_cast<std::size_t>(network.gradient_row_size()));
    for (Index s = last; s >= first; --s) {
      if (setup.train.recompute) forward(batch, s, worker);
      slice(s, worker).backward(diff_embeddings.view().rows_from(s * samples, samples), sums,
                                s == last ? Accumulate::no : Accumulate::yes, pass(s, worker));
    }
  };
  workers.for_each(share.own_rows(), add_up, Idle::helps);
}

void Trainer::Impl::add_up_gradient() {
  const auto size = static_cast<std::size_t>(gradient_rows.cols());
  if (gradient_tree) {
    const Traffic before = share.group().traffic();
    const std::span<const float> sum = gradient_tree->sum(workers, gradient_rows.view());
    traffic.gradient.add(before, share.group().traffic());
    network.unpack_gradient(workers, sum, gradient.span());
    return;
  }
  network.add_gradient_rows(workers, gradient_rows.view());
  network.unpack_gradient(workers, {gradient_rows.row(0), size}, gradient.span());
}

void Trainer::Impl::update() {
  const Traffic before = share.group().traffic();
  report.gradient_norm = gradient_norm.measure(workers, share.group(), gradient.span());
  traffic.losses.add(before, share.group().traffic());
  if (!std::isfinite(report.gradient_norm)) {
    diverged(
        fmt::format("the gradient of '{}' is not finite", gradient_norm.culprit(carried.table)));
  }
  Update update;
  update.step = carried.step;
  report.learning_rate =
      learning.learning_rate * schedule->factor((static_cast<double>(carried.step) + 1) /
                                                static_cast<double>(setup.planned_steps()));
  update.learning_rate = report.learning_rate;
  if (learning.clip_norm > 0 && report.gradient_norm > learning.clip_norm) {
    update.gradient_scale = learning.clip_norm / report.gradient_norm;
  }
  if (!is_moderate(report.gradient_norm * update.gradient_scale)) {
    diverged(fmt::format("the gradient has a length of {:.2g}", report.gradient_norm));
  }
  share.gather(statistics.view(), 1, traffic.statistics);
  check_statistics();
  network.update_running_statistics(seen);
  carried.optimizer->apply(workers, gradient.span(), carried.parameters.span(), update);
  if (carried.average.size() > 0) {
    average_weights(workers, setup.train.average, carried.step, carried.parameters.span(),
                    carried.average.span());
  }
}

void Trainer::Impl::check_losses() const {
  for (const LossReport& loss : report.losses) {
    if (!std::isfinite(loss.value)) {
      diverged(fmt::format("loss '{}' is {}", loss.name, loss.value));
    }
  }
}

// Before anything is moved by them: what training carries stays finite, and can be kept.
void Trainer::Impl::check_embeddings() const {
  for (Index i = 0; i < embeddings.rows(); ++i) {
    const float* const row = embeddings.row(i);
    if (!std::all_of(row, row + embeddings.cols(), is_moderate)) {
      diverged("the embeddings leave the range of numbers");
    }
  }
}

void Trainer::Impl::check_statistics() const {
  for (const std::span<const float> slice : seen) {
    if (!std::ranges::all_of(slice, is_moderate)) {
      diverged("what a batch norm sees leaves the range of numbers");
    }
  }
}

void Trainer::Impl::diverged(const std::string& what) const {
  fail(ErrorKind::diverged,
       fmt::format("training diverged at step {}: {}; lower optimizer.learning_rate or set "
                   "optimizer.clip_norm",
                   carried.step + 1, what));
}

Trainer::Trainer(const Setup& setup, const Workers& workers)
    : solo_(std::make_unique<SoloGroup>()), impl_(std::make_unique<Impl>(setup, workers, *solo_)) {}
Trainer::Trainer(const Setup& setup, const Workers& workers, ProcessGroup& group)
    : impl_(std::make_unique<Impl>(setup, workers, group)) {}
Trainer::~Trainer() = default;

const StepReport& Trainer::step() { return impl_->step(); }
TrainingState& Trainer::training_state() { return impl_->carried; }
const TrainingState& Trainer::training_state() const { return impl_->carried; }

void Trainer::help_write() { impl_->shards.answer(); }
void Trainer::written() { impl_->shards.release(); }

void Trainer::restored() {
  if (!impl_->setup.train.parameters.empty()) impl_->thaw();
  impl_->network.pack(impl_->workers, impl_->carried.parameters.span());
  impl_->reader.reset();
}

void Trainer::write_settings(Section root) const {
  Section resolved = impl_->learned_by.root();
  const std::vector<Section> losses = root.sections("loss");
  std::vector<Section> made = resolved.sections("loss");
  for (std::size_t i = 0; i < made.size(); ++i) {
    Section(losses[i]).put_settings(made[i].take_settings());
  }
  root.section("optimizer").put_settings(resolved.section("optimizer").take_settings());
}

double Trainer::learning_rate() const { return impl_->learning.learning_rate; }
const std::vector<std::string>& Trainer::notes() const { return impl_->notes; }
double Trainer::forward_flops() const { return impl_->network.forward_flops(); }
const StepTimes& Trainer::times() const { return impl_->times; }
const StepTraffic& Trainer::traffic() const { return impl_->traffic; }

void Trainer::start_profile() { impl_->profiles.start(impl_->scratches, layers().size()); }
Profile Trainer::profile() const { return sum_of(impl_->profiles.each()); }
std::vector<LayerSummary> Trainer::layers() const { return impl_->network.layers(); }

}  // namespace kindred
