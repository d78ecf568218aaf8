#pragma once
#include <chrono>
#include <string>

#include "kindred/train/run.h"

namespace kindred::tools {

/// Shows a training run on standard error: a live bar on a terminal, a plain line now and then
/// elsewhere.
class TrainingProgress final : public RunObserver {
 public:
  explicit TrainingProgress(bool quiet);
  ~TrainingProgress() override { clear_bar(); }
  TrainingProgress(const TrainingProgress&) = delete;
  TrainingProgress& operator=(const TrainingProgress&) = delete;

  void on_start(const RunStart& start) override;
  void on_step(const StepReport& report, double train_seconds) override;
  void on_evaluation(const Evaluation& evaluation) override;
  void on_note(const std::string& text) override;
  void on_warning(const std::string& text) override;
  bool stop_requested() override;

 private:
  using Clock = std::chrono::steady_clock;
  std::string status(const StepReport& report, double train_seconds);
  void clear_bar();

  bool quiet_;
  bool terminal_;
  bool bar_shown_ = false;
  Index batch_ = 0;
  Index epoch_steps_ = 1;
  Index first_step_ = 0;
  Index last_step_ = 0;
  double first_seconds_ = -1;
  Clock::time_point shown_;
};

}  // namespace kindred::tools
