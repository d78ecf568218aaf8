#include <fmt/format.h>

#include "bench/bench_profile.h"
#include "bench/bench_reference.h"
#include "bench/bench_sweep.h"
#include "kindred/train/trainer.h"

namespace kindred::tools {
namespace {

constexpr int kWarmUp = 5;  // steps

/// Training steps of the reference network.
struct Training {
  Training(const BenchOptions& options, const Workers& workers)
      : reference(options),
        trainer(options.group ? Trainer(*reference.setup, workers, *options.group)
                              : Trainer(*reference.setup, workers)) {
    steps(kWarmUp);
  }
  void steps(Index count) {
    for (Index i = 0; i < count; ++i) trainer.step();
  }
  Rates measured(const BenchOptions& options) {
    return measure(options.repeats, options.steps * reference.setup->batch(),
                   [&] { steps(options.steps); });
  }

  Reference reference;
  Trainer trainer;
};

using Part = std::pair<const char*, double StepTimes::*>;
constexpr Part kParts[] = {{"wait_for_data", &StepTimes::wait_for_data},
                           {"forward", &StepTimes::forward},
                           {"loss", &StepTimes::loss},
                           {"backward", &StepTimes::backward},
                           {"reduce", &StepTimes::reduce},
                           {"update", &StepTimes::update},
                           {"pack", &StepTimes::pack}};

double sum_of(const StepTimes& times) {
  double sum = 0;
  for (const auto& [name, part] : kParts) sum += times.*part;
  return sum;
}

StepTimes difference(StepTimes after, const StepTimes& before) {
  for (const auto& [name, part] : kParts) after.*part -= before.*part;
  return after;
}

void add_shares(const StepTimes& times, BenchResult& result) {
  result.details = "share of the step:";
  for (const auto& [name, part] : kParts) {
    const double share = times.*part / sum_of(times);
    result.numbers["shares"][name] = share;
    result.details += fmt::format("  {} {:.1f} %", name, share * 100);
  }
  result.details += "\n";
}

/// What rank 0 sends, and how long it is at it: waiting for others is part of that.
void add_traffic(const StepTraffic& after, const StepTraffic& before, Index steps,
                 const StepTimes& times, BenchResult& result) {
  using Sent = std::pair<const char*, Traffic StepTraffic::*>;
  constexpr Sent kSent[] = {{"embeddings", &StepTraffic::embeddings},
                            {"gradient", &StepTraffic::gradient},
                            {"statistics", &StepTraffic::statistics},
                            {"losses", &StepTraffic::losses}};
  result.details += "sent by a rank in a step:";
  double seconds = 0;
  for (const auto& [name, kind] : kSent) {
    Traffic sent;
    sent.add(before.*kind, after.*kind);
    const auto count = static_cast<double>(steps);
    const double bytes = static_cast<double>(sent.bytes) / count;
    seconds += sent.seconds;
    result.numbers["traffic"][name] = {{"bytes", bytes},
                                       {"messages", static_cast<double>(sent.messages) / count},
                                       {"seconds", sent.seconds / count}};
    result.details +=
        fmt::format("  {} {:.1f} KB in {:.2f} ms", name, bytes * 1e-3, sent.seconds / count * 1e3);
  }
  const double share = seconds / sum_of(times);
  result.numbers["traffic"]["share"] = share;
  result.details +=
      fmt::format("\nshare of communication, waiting included: {:.1f} %\n", share * 100);
}

ProfiledRun profiled_run(const BenchOptions& options, Training& training) {
  training.trainer.start_profile();
  const StepTimes before = training.trainer.times();
  training.steps(options.steps);
  const StepTimes times = difference(training.trainer.times(), before);
  ProfiledRun run;
  run.layers = training.trainer.layers();
  run.profile = training.trainer.profile();
  run.seconds = sum_of(times);
  run.batches = options.steps;
  run.batch = training.reference.setup->batch();
  run.bfloat16 = training.reference.in_bfloat16();
  run.forward_passes = training.reference.setup->train.recompute ? 2 : 1;
  run.alone = {{"waiting for data", times.wait_for_data},
               {"loss", times.loss},
               {"reduction", times.reduce},
               {"optimizer", times.update},
               {"packing", times.pack}};
  return run;
}

void add_sweeps(const BenchOptions& options, BenchResult& result) {
  BenchOptions once = options;
  once.repeats = 1;
  if (options.sweep_threads) {
    sweep_threads(options, "images", result, [&](const Workers& workers) {
      return Training(options, workers).measured(once).median();
    });
  }
  if (!options.sweep.empty()) {
    const Workers workers(options.threads);
    sweep_slice(options, Reference(options).setup->batch(), result, [&](Index slice) {
      BenchOptions other = options;
      other.assignments.push_back(fmt::format("model.slice={}", slice));
      return Training(other, workers).measured(once).median();
    });
  }
}

}  // namespace

BenchResult bench_train(const BenchOptions& options, const Machine& machine,
                        const Workers& workers) {
  BenchResult result;
  if (options.group) options.group->join();
  {
    reset_peak_memory();
    Training training(options, workers);
    const StepTimes before = training.trainer.times();
    const StepTraffic sent_before = training.trainer.traffic();
    const Rates rates = training.measured(options);
    result = training.reference.result("train", "training", 3 * training.trainer.forward_flops(),
                                       rates, machine);
    result.numbers["batch"] = training.reference.setup->batch();
    const StepTimes times = difference(training.trainer.times(), before);
    add_shares(times, result);
    if (options.group && options.group->size() > 1) {
      result.numbers["ranks"] = options.group->size();
      add_traffic(training.trainer.traffic(), sent_before, options.steps * options.repeats, times,
                  result);
    }
    if (options.profile) {
      add_layer_table(median_run(options.repeats, [&] { return profiled_run(options, training); }),
                      machine, result);
    }
  }
  add_sweeps(options, result);
  if (options.group) options.group->leave();
  return result;
}

}  // namespace kindred::tools
