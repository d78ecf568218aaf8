#include "progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "command.h"
#include "kindred/core/text.h"
#include "standard_streams.h"

namespace kindred::tools {
namespace {

// What the estimate is measured over: whichever comes first.
constexpr Index kEstimateSteps = 10;
constexpr double kEstimateSeconds = 3;

// "about 3 h 20 min"
std::string about(double seconds) {
  const auto minutes = static_cast<long>(seconds / 60 + 0.5);
  if (seconds < 1) return "less than a second";
  if (seconds < 100) return fmt::format("about {:.0f} s", seconds);
  if (minutes < 100) return fmt::format("about {} min", minutes);
  if (minutes < 48 * 60) return fmt::format("about {} h {} min", minutes / 60, minutes % 60);
  return fmt::format("about {:.1f} days", seconds / 86400);
}

std::string cut(const std::string& text, std::size_t most) {
  return text.size() <= most ? text : text.substr(0, most - 3) + "...";
}

}  // namespace

std::string layer_table(const std::vector<LayerSummary>& layers) {
  std::string text;
  for (const LayerSummary& layer : layers) {
    const std::string name =
        std::string(static_cast<std::size_t>(2 * layer.depth), ' ') + layer.name;
    text +=
        fmt::format("  {:<24} {:<26} {:>12} {:>8.2f} Mflop\n", cut(name, 24), cut(layer.kind, 26),
                    fmt::format("{}x{}x{}", layer.dst.height, layer.dst.width, layer.dst.channels),
                    layer.flops * 1e-6);
  }
  return text;
}

void TrainingProgress::on_start(const RunStart& start) {
  batch_ = start.setup->batch();
  epoch_steps_ = start.setup->sampler->steps_per_epoch();
  first_step_ = start.first_step;
  last_step_ = start.last_step;
  if (quiet_) return;
  const Setup& setup = *start.setup;
  write_note(fmt::format(
      "{}: {} training samples of {} classes{}\n", printable(setup.data_path),
      setup.set.entries.size(), setup.set.classes,
      setup.set.validation_samples.empty()
          ? std::string()
          : fmt::format(", {} kept for validation", setup.set.validation_samples.size())));
  write_note(fmt::format(
      "network: {} of {} layers, {} parameters, {:.1f} Mflop a sample, computed "
      "with in {}{}\n",
      setup.architecture.name, start.layers.size(), start.parameters, start.forward_flops * 1e-6,
      name_of(setup.architecture.precision), verbose_ ? "" : " (--verbose: each)"));
  if (verbose_) write_note(printable_lines(layer_table(start.layers)));
  write_note(fmt::format(
      "{} steps of {} samples{}; run folder {}\n", last_step_, batch_,
      first_step_ > 0 ? fmt::format(", going on from step {}", first_step_) : std::string(),
      printable(start.folder)));
}

double TrainingProgress::images_per_second() const {
  if (measured_seconds_ <= 0) return 0;
  return static_cast<double>(measured_steps_ * batch_) / measured_seconds_;
}

double TrainingProgress::seconds_left(Index step) const {
  const double rate = images_per_second();
  return rate > 0 ? static_cast<double>((last_step_ - step) * batch_) / rate : 0;
}

std::vector<std::string> TrainingProgress::status(const StepReport& report) const {
  std::vector<std::string> parts{fmt::format("step {}/{}", report.step, last_step_)};
  if (images_per_second() > 0) {
    parts.push_back(clock_text(seconds_left(report.step)) + " left");
    parts.push_back(fmt::format("{:.0f} images/s", images_per_second()));
  }
  for (const LossReport& loss : report.losses) {
    parts.push_back(fmt::format("{} {:.4f}", loss.name, loss.value));
  }
  parts.push_back(fmt::format("epoch {}", (report.step - 1) / epoch_steps_ + 1));
  return parts;
}

// Before the first bar says it: of a network that takes hours it is known after some seconds.
void TrainingProgress::tell_estimate(const StepReport& report) {
  if (estimated_ || report.step == last_step_ || images_per_second() <= 0) return;
  if (measured_steps_ < kEstimateSteps && measured_seconds_ < kEstimateSeconds) return;
  estimated_ = true;
  line_.erase();
  write_note(fmt::format(
      "estimate: {} for the {} steps to go, at {:.0f} images/s on this machine (measured over {} "
      "steps); evaluations come on top\n",
      about(seconds_left(report.step)), last_step_ - report.step, images_per_second(),
      measured_steps_));
}

void TrainingProgress::on_step(const StepReport& report, double train_seconds) {
  if (quiet_) return;
  if (first_seconds_ < 0) {
    first_seconds_ = train_seconds;
  } else {
    ++measured_steps_;
    measured_seconds_ = train_seconds - first_seconds_;
  }
  tell_estimate(report);
  const bool last = report.step == last_step_;
  if (!last && !line_.is_due()) return;
  const double share =
      static_cast<double>(report.step) / static_cast<double>(std::max<Index>(last_step_, 1));
  line_.show(share, status(report));
  if (last) line_.erase();
}

void TrainingProgress::on_evaluation(const Evaluation& evaluation) {
  if (quiet_) return;
  line_.erase();
  write_note(fmt::format("step {}: {} recall@1 {:.4f}  map@r {:.4f}{}\n", evaluation.step,
                         evaluation.split, evaluation.result["recall@1"],
                         evaluation.result["map@r"],
                         evaluation.best ? "  (best so far, kept)" : ""));
  if (evaluation.baseline.empty()) return;
  std::string numbers;
  for (const MetricValue& metric : evaluation.baseline) {
    if (metric.name != "recall@1" && metric.name != "map@r") continue;
    numbers += fmt::format("  {} {:.4f}", metric.name, metric.value);
  }
  write_note(fmt::format("  without a network ({}):{}\n", evaluation.baseline_of, numbers));
}

void TrainingProgress::on_note(const std::string& text) {
  if (!quiet_) on_warning(text);
}

void TrainingProgress::on_warning(const std::string& text) {
  line_.erase();
  note(text);
}

bool TrainingProgress::stop_requested() { return signal_received() != 0; }

}  // namespace kindred::tools
