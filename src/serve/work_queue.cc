#include "serve/work_queue.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "kindred/core/error.h"

namespace kindred::serve {

WorkQueue::WorkQueue(int threads, std::size_t most) : most_(most) {
  try {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  } catch (const std::system_error& error) {
    end();
    fail(ErrorKind::system, fmt::format("serve: the system starts {} of {} threads: {}",
                                        threads_.size(), threads, error.what()));
  }
}

WorkQueue::~WorkQueue() { end(); }

bool WorkQueue::take(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    // A thread that is idle takes its work at once: that does not wait.
    if (waiting_.size() >= most_ + idle_) return false;
    waiting_.push_back(std::move(work));
  }
  changed_.notify_one();
  return true;
}

std::size_t WorkQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

void WorkQueue::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    work = nullptr;  // what it holds ends without the lock
    lock.lock();
  }
}

void WorkQueue::end() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace kindred::serve
