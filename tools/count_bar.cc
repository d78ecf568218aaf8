#include "count_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace kindred::tools {
namespace {

constexpr auto kBarEvery = std::chrono::milliseconds(200);
constexpr auto kLineEvery = std::chrono::seconds(20);
constexpr Index kBarWidth = 20;

}  // namespace

CountBar::CountBar(std::string unit, bool quiet)
    : unit_(std::move(unit)),
      quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) == 1),
      begun_(Clock::now()),
      shown_(begun_) {}

void CountBar::show(Index done, Index total) {
  const auto now = Clock::now();
  if (quiet_ ||
      now - shown_ < (terminal_ ? Clock::duration(kBarEvery) : Clock::duration(kLineEvery)))
    return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - begun_).count();
  const std::string text =
      fmt::format("{}/{} {}, {:.0f}/s", done, total, unit_, static_cast<double>(done) / seconds);
  if (!terminal_) {
    fmt::print(stderr, "{}\n", text);
    return;
  }
  const Index filled = kBarWidth * done / std::max<Index>(total, 1);
  fmt::print(stderr, "\r\033[K[{}{}] {}", std::string(static_cast<std::size_t>(filled), '='),
             std::string(static_cast<std::size_t>(kBarWidth - filled), ' '), text);
  std::fflush(stderr);
  shown_bar_ = true;
}

void CountBar::clear() {
  if (shown_bar_) fmt::print(stderr, "\r\033[K");
  shown_bar_ = false;
}

}  // namespace kindred::tools
