#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "kindred/core/error.h"
#include "kindred/core/process_group.h"

namespace kindred {

/// Lets the ranks of a group know of each other's end. MPI does not: who waits for a rank that is
/// dead or stopped waits for ever. So each has a connection to rank 0 beside MPI's, on which both
/// sides say every second that they live. Where a rank ends by an error, is gone, or is silent for
/// kSilence, rank 0 says so once on standard error, and all end.
///
/// Who connects shows a secret that crossed by the group.
class RollCall {
 public:
  static constexpr double kSilence = 15;  ///< seconds

  /// By all ranks at once. Fails with system, at all of them, where one cannot reach rank 0. `end`
  /// is called, if there is one, before this process ends with that code.
  RollCall(ProcessGroup& group, const std::string& host, std::function<void(int code)> end = {});
  /// Says goodbye, and waits for the other side's: TCP resets a connection that is closed before
  /// all of it was read, and the own goodbye may be lost. REQUIRES: all ranks do so.
  ~RollCall();
  RollCall(const RollCall&) = delete;
  RollCall& operator=(const RollCall&) = delete;

  /// This rank ends by `error`. Rank 0 tells the others and returns; others tell rank 0 and end
  /// with its verdict, or return where none comes. All ranks diverge alike, so then they wait for
  /// rank 0, which keeps what is finite first.
  void end_by(const Error& error);

 private:
  struct Line;
  struct Card;

  void listen(Card& card);
  void connect(const Card& card);
  void watch();
  bool all_over();
  void accept_one();
  void hear(Line& line);
  void judge(const Line& line, char kind, const std::string& text);
  void look_for_silence();
  [[noreturn]] void conclude(int code, const std::string& text);
  void tell_all(char kind, const std::string& text);
  std::string name_of_rank(int rank) const;

  int rank_;
  int size_;
  std::vector<std::string> hosts_;
  std::function<void(int code)> end_;
  std::vector<std::byte> secret_;
  int listening_ = -1;
  std::vector<std::unique_ptr<Line>> lines_;  // rank 0's: to all others; theirs: to it
  std::atomic<bool> failing_{false};          // the caller says, or waits for, why this rank ends
  std::atomic<bool> leaving_{false};          // goodbye is said
  std::atomic<bool> stopped_{false};          // nobody is waited for
  std::mutex mutex_;                          // over lines_ and what is sent
  std::thread thread_;
};

}  // namespace kindred
