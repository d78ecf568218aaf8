#pragma once
#include <chrono>
#include <string>

#include "command.h"
#include "kindred/core/index.h"
#include "kindred/core/parallel.h"
#include "kindred/data/work_observer.h"
#include "live_line.h"

namespace kindred::tools {

/// Shows how many samples are done, and stops the work at the first Ctrl-C.
class BarObserver final : public WorkObserver {
 public:
  /// `unit` is what is counted: "images".
  BarObserver(std::string unit, bool quiet);
  void on_note(const std::string& text) override;
  void on_progress(Index done, Index total) override;
  bool stop_requested() override { return signal_received() != 0; }

 private:
  std::string unit_;
  bool quiet_;
  LiveLine line_;
  std::chrono::steady_clock::time_point begun_;
};

/// Workers that show how far a long piece of their work has come.
class ShownWorkers final : public Workers, private WorkListener {
 public:
  /// `what` the work is: "ranking".
  ShownWorkers(std::string what, const CommonOptions& options);
  ~ShownWorkers() { tell(nullptr); }

 private:
  void on_tasks(Index done, Index total) override;

  std::string what_;
  LiveLine line_;
  Index done_ = 0;
  std::chrono::steady_clock::time_point begun_;  // this piece
};

}  // namespace kindred::tools
