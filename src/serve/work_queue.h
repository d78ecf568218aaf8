#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace kindred::serve {

/// Threads that run what they are given, in its order. What has been taken is run before the end.
class WorkQueue {
 public:
  /// `most`: that may wait. Fails with system where the threads cannot be started.
  WorkQueue(int threads, std::size_t most);
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  /// False, and nothing taken, where too many wait. The work must not throw.
  bool take(std::function<void()> work);
  std::size_t waiting() const;

 private:
  void run();
  void end();

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::size_t idle_ = 0;  // threads
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace kindred::serve
