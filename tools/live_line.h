#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "kindred/core/index.h"

namespace kindred::tools {

/// Columns of the terminal that standard error is; 80 where it does not say.
Index terminal_columns();

/// "[=====     ] step 5/10  0:12 left": a bar of `share` in [0, 1] and those of `parts` that fit,
/// the first of them in any case, cut if need be. One column less than `columns` at most: a line
/// that fills the last one wraps.
std::string bar_text(double share, const std::vector<std::string>& parts, Index columns);

/// "0:07", "12:30", "1:02:03".
std::string clock_text(double seconds);

/// A line on standard error that is written over, at the bottom of a terminal; elsewhere a plain
/// line now and then. Nothing with `quiet`.
class LiveLine {
 public:
  explicit LiveLine(bool quiet);
  ~LiveLine() { erase(); }
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  /// Whether it is time for the next: some show() five times a second, others every 20 seconds.
  bool is_due() const;
  void show(double share, const std::vector<std::string>& parts);
  /// What is written next begins on a line of its own.
  void erase();

 private:
  using Clock = std::chrono::steady_clock;
  bool quiet_;
  bool terminal_;
  bool stands_ = false;
  Clock::time_point shown_;
};

}  // namespace kindred::tools
