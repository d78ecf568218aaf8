#include <fmt/format.h>
#include <pthread.h>

#include <atomic>

#include "bindings.h"
#include "kindred/core/error.h"
#include "kindred/core/parallel.h"

namespace kindred::python {
namespace {

std::atomic<bool> has_threads = false;   // of Workers: TBB started some
std::atomic<bool> lost_threads = false;  // and this process is a fork of that one

void after_fork() {
  if (has_threads) lost_threads = true;
}

}  // namespace

int threads_for(int threads) {
  if (threads < 0) {
    fail(ErrorKind::usage,
         fmt::format("threads = {}; expected a number from 1 on, or 0 for all", threads));
  }
  if (lost_threads) return 1;
  if (threads == 0) threads = Workers::default_threads();
  if (threads > 1) has_threads = true;
  return threads;
}

void watch_forks() { pthread_atfork(nullptr, nullptr, after_fork); }

}  // namespace kindred::python
