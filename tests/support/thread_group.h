#pragma once
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kindred/core/process_group.h"

namespace kindred::test {

/// Ranks that are threads of this process: what MPI does between processes, by copies.
class ThreadRanks {
 public:
  explicit ThreadRanks(int size) : size_(size) {}

  /// Runs body(group) once a rank, and waits for all. The first exception is rethrown: others end
  /// by it, too.
  void run(const std::function<void(ProcessGroup&)>& body) {
    std::vector<std::thread> threads;
    for (int rank = 0; rank < size_; ++rank) {
      threads.emplace_back([&, rank] {
        Rank group(*this, rank);
        try {
          body(group);
        } catch (...) {
          const std::lock_guard lock(mutex_);
          if (!error_) error_ = std::current_exception();
          changed_.notify_all();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    if (error_) std::rethrow_exception(error_);
  }

 private:
  class Rank : public ProcessGroup {
   public:
    Rank(ThreadRanks& all, int rank) : all_(all), rank_(rank) {}
    int rank() const override { return rank_; }
    int size() const override { return all_.size_; }

   private:
    void transfer(std::span<const Outgoing> sent, std::span<const Incoming> received) override {
      all_.transfer(rank_, sent, received);
    }
    ThreadRanks& all_;
    int rank_;
  };

  void transfer(int rank, std::span<const Outgoing> sent, std::span<const Incoming> received) {
    std::unique_lock lock(mutex_);
    for (const Outgoing& message : sent) {
      under_way_[{rank, message.to}].emplace_back(message.bytes.begin(), message.bytes.end());
    }
    changed_.notify_all();
    for (const Incoming& message : received) {
      auto& queue = under_way_[{message.from, rank}];
      changed_.wait(lock, [&] { return !queue.empty() || error_; });
      if (queue.empty()) throw std::runtime_error("another rank failed");
      if (queue.front().size() != message.bytes.size()) {
        throw std::logic_error("a message is not as long as what is received");
      }
      std::memcpy(message.bytes.data(), queue.front().data(), message.bytes.size());
      queue.pop_front();
    }
  }

  int size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<int, int>, std::deque<std::vector<std::byte>>> under_way_;
  std::exception_ptr error_;
};

}  // namespace kindred::test
