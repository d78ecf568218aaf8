#include "count_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "standard_streams.h"

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
    write_note(text + "\n");
    return;
  }
  const Index filled = kBarWidth * done / std::max<Index>(total, 1);
  write_note(fmt::format("\r\033[K[{}{}] {}", std::string(static_cast<std::size_t>(filled), '='),
                         std::string(static_cast<std::size_t>(kBarWidth - filled), ' '), text));
  shown_bar_ = true;
}

void CountBar::clear() {
  if (shown_bar_) write_note("\r\033[K");
  shown_bar_ = false;
}

}  // namespace kindred::tools
