#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

namespace kindred::test {

/// A named pipe whose writer is disturbed: while the pipe is full, signals interrupt the thread
/// that made this object, so that one write takes a part and the next is interrupted before it
/// takes any. Then everything is read.
class InterruptedPipe {
 public:
  explicit InterruptedPipe(const std::string& path) : writer_(pthread_self()) {
    struct sigaction action {};
    action.sa_handler = [](int) {};  // without SA_RESTART
    sigaction(SIGUSR1, &action, &before_);
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    reading_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    EXPECT_GE(reading_, 0);
    thread_ = std::thread([this] { disturb_and_read(); });
  }
  /// All that was written until then.
  std::string text() {
    done_ = true;
    thread_.join();
    return text_;
  }
  ~InterruptedPipe() {
    if (thread_.joinable()) static_cast<void>(text());
    ::close(reading_);
    sigaction(SIGUSR1, &before_, nullptr);
  }
  InterruptedPipe(const InterruptedPipe&) = delete;
  InterruptedPipe& operator=(const InterruptedPipe&) = delete;

 private:
  int waiting() const {
    int bytes = 0;
    ::ioctl(reading_, FIONREAD, &bytes);
    return bytes;
  }

  void disturb_and_read() {
    const int full = ::fcntl(reading_, F_GETPIPE_SZ);
    while (waiting() < full && !done_) std::this_thread::yield();
    for (int i = 0; i < 50 && !done_; ++i) {
      pthread_kill(writer_, SIGUSR1);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    char piece[4096];
    while (!done_ || waiting() > 0) {
      const ssize_t size = ::read(reading_, piece, sizeof piece);
      if (size > 0) text_.append(piece, static_cast<std::size_t>(size));
      if (size <= 0) std::this_thread::yield();
    }
  }

  pthread_t writer_;
  struct sigaction before_ {};
  int reading_ = -1;
  std::atomic<bool> done_ = false;
  std::string text_;
  std::thread thread_;
};

}  // namespace kindred::test
