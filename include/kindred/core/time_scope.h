#pragma once
#include <chrono>

#include "kindred/core/export.h"

namespace KINDRED_API kindred {

/// Adds the seconds of its scope to a number. Where there is none it costs a comparison.
class TimeScope {
 public:
  explicit TimeScope(double* seconds) : seconds_(seconds) {
    if (seconds_ != nullptr) start_ = std::chrono::steady_clock::now();
  }
  ~TimeScope() {
    if (seconds_ == nullptr) return;
    *seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  TimeScope(const TimeScope&) = delete;
  TimeScope& operator=(const TimeScope&) = delete;

 private:
  double* seconds_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace kindred
