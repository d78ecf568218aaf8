#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "kindred/core/index.h"
#include "serve/http_front.h"

namespace kindred::serve {

/// What is counted, as Prometheus reads it. Thread-safe. Labels are routes, methods and codes: no
/// names, no pictures' numbers.
class Metrics {
 public:
  /// `route`: its pattern, or "other".
  void add_exchange(const std::string& route, const std::string& method, const Exchange& exchange);
  void add_batch(Index pictures);
  void add_pictures(Index good, Index bad);

  /// What changes by itself.
  struct Now {
    HttpState http;
    Index pending = 0;    ///< pictures
    Index gallery = -1;   ///< pictures; -1: there is none
    std::string version;  ///< of the program
  };
  /// The text that /metrics gives.
  std::string text(const Now& now) const;

 private:
  static constexpr std::array kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                         0.25,  0.5,    1.0,   2.5,  5.0,   10.0, 30.0};
  struct Times {
    std::array<std::uint64_t, kBounds.size()> within{};  ///< so many seconds
    std::uint64_t count = 0;
    double sum = 0;
  };

  mutable std::mutex mutex_;
  std::map<std::tuple<std::string, std::string, int>, std::uint64_t> requests_;
  std::map<std::string, Times> seconds_;  ///< by route
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t batched_ = 0;
  std::uint64_t good_ = 0;
  std::uint64_t bad_ = 0;
};

}  // namespace kindred::serve
