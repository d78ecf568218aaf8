#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "command.h"
#include "standard_streams.h"

namespace kindred::tools {
namespace {

constexpr auto kBarEvery = std::chrono::milliseconds(200);
constexpr auto kLineEvery = std::chrono::seconds(20);
constexpr Index kBarWidth = 20;

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(std::max(0.0, seconds) + 0.5);
  return whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                       : fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

TrainingProgress::TrainingProgress(bool quiet)
    : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1), shown_(Clock::now()) {}

void TrainingProgress::on_start(const RunStart& start) {
  batch_ = start.setup->batch();
  epoch_steps_ = start.setup->sampler->steps_per_epoch();
  first_step_ = start.first_step;
  last_step_ = start.last_step;
  if (quiet_) return;
  const Setup& setup = *start.setup;
  write_note(fmt::format(
      "{}: {} training samples of {} classes{}\n{}\n", setup.data_path, setup.set.entries.size(),
      setup.set.classes,
      setup.set.validation_samples.empty()
          ? std::string()
          : fmt::format(", {} kept for validation", setup.set.validation_samples.size()),
      start.network));
  write_note(fmt::format(
      "{} parameters, computed with in {}; {} steps of {} samples{}; run folder {}\n",
      start.parameters, name_of(setup.architecture.precision), last_step_, batch_,
      first_step_ > 0 ? fmt::format(", going on from step {}", first_step_) : std::string(),
      start.folder));
}

std::string TrainingProgress::status(const StepReport& report, double train_seconds) {
  if (first_seconds_ < 0) first_seconds_ = train_seconds;
  const double seconds = train_seconds - first_seconds_;
  const auto done = static_cast<double>(report.step - first_step_ - 1);
  const double rate = seconds > 0 && done > 0 ? done / seconds : 0;
  std::string losses;
  for (const LossReport& loss : report.losses) {
    losses += fmt::format("  {} {:.4f}", loss.name, loss.value);
  }
  return fmt::format(
      "epoch {}  step {}/{}  {:.0f} images/s{}{}", (report.step - 1) / epoch_steps_ + 1,
      report.step, last_step_, rate * static_cast<double>(batch_), losses,
      rate > 0 ? fmt::format("  {} left",
                             clock_text(static_cast<double>(last_step_ - report.step) / rate))
               : std::string());
}

void TrainingProgress::on_step(const StepReport& report, double train_seconds) {
  if (quiet_) return;
  const auto now = Clock::now();
  if (first_seconds_ < 0) first_seconds_ = train_seconds;
  const bool last = report.step == last_step_;
  if (!last &&
      now - shown_ < (terminal_ ? Clock::duration(kBarEvery) : Clock::duration(kLineEvery)))
    return;
  shown_ = now;
  const std::string text = status(report, train_seconds);
  if (!terminal_) {
    write_note(text + "\n");
    return;
  }
  const Index filled = kBarWidth * report.step / std::max<Index>(last_step_, 1);
  write_note(fmt::format("\r\033[K[{}{}] {}", std::string(static_cast<std::size_t>(filled), '='),
                         std::string(static_cast<std::size_t>(kBarWidth - filled), ' '), text));
  bar_shown_ = true;
  if (last) clear_bar();
}

void TrainingProgress::clear_bar() {
  if (bar_shown_) write_note("\n");
  bar_shown_ = false;
}

void TrainingProgress::on_evaluation(const Evaluation& evaluation) {
  if (quiet_) return;
  clear_bar();
  write_note(fmt::format("step {}: {} recall@1 {:.4f}  map@r {:.4f}{}\n", evaluation.step,
                         evaluation.split, evaluation.result["recall@1"],
                         evaluation.result["map@r"],
                         evaluation.best ? "  (best so far, kept)" : ""));
}

void TrainingProgress::on_note(const std::string& text) {
  if (!quiet_) on_warning(text);
}

void TrainingProgress::on_warning(const std::string& text) {
  clear_bar();
  note(text);
}

bool TrainingProgress::stop_requested() { return signal_received() != 0; }

}  // namespace kindred::tools
