#include "count_bar.h"

#include <fmt/format.h>

#include <algorithm>

namespace kindred::tools {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

double share_of(Index done, Index total) {
  return static_cast<double>(done) / static_cast<double>(std::max<Index>(total, 1));
}

}  // namespace

BarObserver::BarObserver(std::string unit, bool quiet)
    : unit_(std::move(unit)), quiet_(quiet), line_(quiet), begun_(Clock::now()) {}

void BarObserver::on_note(const std::string& text) {
  if (quiet_) return;
  line_.erase();
  note(text);
}

void BarObserver::on_progress(Index done, Index total) {
  if (!line_.is_due()) return;
  const double rate = static_cast<double>(done) / seconds_since(begun_);
  line_.show(share_of(done, total),
             {fmt::format("{}/{} {}", done, total, unit_), fmt::format("{:.0f}/s", rate)});
}

ShownWorkers::ShownWorkers(std::string what, const CommonOptions& options)
    : Workers(options.threads), what_(std::move(what)), line_(options.quiet), begun_(Clock::now()) {
  tell(this);
}

void ShownWorkers::on_tasks(Index done, Index total) {
  if (done < done_ || done == 1) begun_ = Clock::now();  // the next piece
  done_ = done;
  if (done == total) {
    line_.erase();
    return;
  }
  if (!line_.is_due()) return;
  const double share = share_of(done, total);
  const double seconds = seconds_since(begun_);
  std::vector<std::string> parts{fmt::format("{} {:.0f} %", what_, 100 * share)};
  if (seconds > 1) parts.push_back(clock_text(seconds / share - seconds) + " left");
  line_.show(share, parts);
}

}  // namespace kindred::tools
