#include "live_line.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "standard_streams.h"

namespace kindred::tools {
namespace {

constexpr auto kBarEvery = std::chrono::milliseconds(200);
constexpr auto kLineEvery = std::chrono::seconds(20);
constexpr Index kUsualColumns = 80;

// A bar that leaves most of the line to what it says.
Index bar_width(Index columns) { return columns >= 70 ? 20 : columns >= 40 ? 10 : 0; }

// Code points: what is shown here has no wide letters.
Index width_of(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

std::string cut_to(std::string text, Index columns) {
  while (width_of(text) > std::max<Index>(columns, 0)) text.pop_back();
  return text;
}

}  // namespace

Index terminal_columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsualColumns;
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(std::max(0.0, seconds) + 0.5);
  return whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                       : fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string bar_text(double share, const std::vector<std::string>& parts, Index columns) {
  const Index room = columns - 1;
  const Index width = bar_width(columns);
  std::string line;
  if (width > 0) {
    const auto filled =
        static_cast<Index>(std::clamp(share, 0.0, 1.0) * static_cast<double>(width));
    line = fmt::format("[{}{}] ", std::string(static_cast<std::size_t>(filled), '='),
                       std::string(static_cast<std::size_t>(width - filled), ' '));
  }
  bool first = true;
  for (const std::string& part : parts) {
    const std::string more = (first ? "" : "  ") + part;
    if (!first && width_of(line) + width_of(more) > room) break;
    line += more;
    first = false;
  }
  return cut_to(std::move(line), room);
}

LiveLine::LiveLine(bool quiet)
    : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1), shown_(Clock::now()) {}

bool LiveLine::is_due() const {
  const auto wait = terminal_ ? Clock::duration(kBarEvery) : Clock::duration(kLineEvery);
  return !quiet_ && Clock::now() - shown_ >= wait;
}

void LiveLine::show(double share, const std::vector<std::string>& parts) {
  if (quiet_) return;
  shown_ = Clock::now();
  if (!terminal_) {
    write_note(fmt::format("{}\n", fmt::join(parts, "  ")));
    return;
  }
  write_note("\r\033[K" + bar_text(share, parts, terminal_columns()));
  stands_ = true;
}

void LiveLine::erase() {
  if (stands_) write_note("\r\033[K");
  stands_ = false;
}

}  // namespace kindred::tools
