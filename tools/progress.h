#pragma once
#include <string>
#include <vector>

#include "kindred/train/run.h"
#include "live_line.h"

namespace kindred::tools {

/// Shows a training run on standard error: a live bar on a terminal, a plain line now and then
/// elsewhere, and after the first steps how long the rest will take.
class TrainingProgress final : public RunObserver {
 public:
  /// `verbose`: the network's layers, too.
  TrainingProgress(bool quiet, bool verbose) : quiet_(quiet), verbose_(verbose), line_(quiet) {}

  void on_start(const RunStart& start) override;
  void on_step(const StepReport& report, double train_seconds) override;
  void on_evaluation(const Evaluation& evaluation) override;
  void on_note(const std::string& text) override;
  void on_warning(const std::string& text) override;
  bool stop_requested() override;

 private:
  void tell_estimate(const StepReport& report);
  std::vector<std::string> status(const StepReport& report) const;
  double images_per_second() const;
  double seconds_left(Index step) const;

  bool quiet_;
  bool verbose_;
  LiveLine line_;
  Index batch_ = 0;
  Index epoch_steps_ = 1;
  Index first_step_ = 0;
  Index last_step_ = 0;
  // Of the steps of this process but its first, which warms caches up.
  Index measured_steps_ = 0;
  double measured_seconds_ = 0;
  double first_seconds_ = -1;
  bool estimated_ = false;
};

/// Name, kind, result and operations of each layer, a line each, within 80 columns.
std::string layer_table(const std::vector<LayerSummary>& layers);

}  // namespace kindred::tools
