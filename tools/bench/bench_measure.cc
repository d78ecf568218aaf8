#include "bench/bench_measure.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <limits>
#include <string>

namespace kindred::tools {

double Rates::median() const {
  std::vector<double> sorted = all;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

double Rates::spread() const {
  const auto [low, high] = std::minmax_element(all.begin(), all.end());
  return (*high - *low) / median();
}

double seconds_of(FunctionRef<void()> work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double fastest_of(FunctionRef<void()> work) {
  double all = seconds_of(work);
  double fastest = all;
  for (int i = 1; i < 5 && all < 1; ++i) {
    const double seconds = seconds_of(work);
    fastest = std::min(fastest, seconds);
    all += seconds;
  }
  return fastest;
}

Rates measure(Index repeats, Index units, FunctionRef<void()> work) {
  Rates rates;
  for (Index i = 0; i < repeats; ++i) {
    rates.all.push_back(static_cast<double>(units) / seconds_of(work));
  }
  return rates;
}

double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string key; status >> key;) {
    double kibibytes = 0;
    if (key == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
    status.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << 5; }

}  // namespace kindred::tools
