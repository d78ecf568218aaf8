#pragma once
#include <chrono>
#include <string>

#include "command.h"
#include "kindred/core/index.h"
#include "kindred/data/work_observer.h"

namespace kindred::tools {

/// How far something that can be counted has come, on standard error: a live bar on a terminal, a
/// plain line now and then elsewhere.
class CountBar {
 public:
  /// `unit` is what is counted: "images".
  CountBar(std::string unit, bool quiet);
  ~CountBar() { clear(); }
  CountBar(const CountBar&) = delete;
  CountBar& operator=(const CountBar&) = delete;

  void show(Index done, Index total);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::string unit_;
  bool quiet_;
  bool terminal_;
  bool shown_bar_ = false;
  Clock::time_point begun_;
  Clock::time_point shown_;
};

/// Shows a bar, and stops the work at the first Ctrl-C.
class BarObserver final : public WorkObserver {
 public:
  BarObserver(std::string unit, bool quiet) : bar_(std::move(unit), quiet), quiet_(quiet) {}
  void on_note(const std::string& text) override {
    if (!quiet_) note(text);
  }
  void on_progress(Index done, Index total) override { bar_.show(done, total); }
  bool stop_requested() override { return signal_received() != 0; }

 private:
  CountBar bar_;
  bool quiet_;
};

}  // namespace kindred::tools
