#include "kindred/core/memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "core/cgroup.h"

namespace kindred {
namespace {

struct Unit {
  std::string_view name;
  int shift;
};
constexpr std::array kUnits{Unit{"GiB", 30}, Unit{"MiB", 20}, Unit{"KiB", 10}, Unit{"bytes", 0}};
constexpr double kMostBytes = 0x1p62;

// Pages in all (0), or those in memory (1); read without allocating, since data readers ask in
// training.
Index pages_of_process(int which) {
  std::array<char, 64> text{};
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  const ssize_t length = file < 0 ? 0 : ::read(file, text.data(), text.size() - 1);
  if (file >= 0) ::close(file);
  const char* const end = text.data() + std::max<ssize_t>(length, 0);
  const char* at = text.data();
  for (; which > 0 && at != end; --which) at = std::min(std::find(at, end, ' ') + 1, end);
  Index pages = 0;
  std::from_chars(at, end, pages);
  return pages;
}

Index bytes_of_pages(Index pages) { return pages * static_cast<Index>(sysconf(_SC_PAGESIZE)); }

}  // namespace

std::optional<Index> parse_bytes(std::string_view text) {
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  const auto* const unit = std::find_if(kUnits.begin(), kUnits.end(),
                                        [&](const Unit& known) { return known.name == text; });
  if (unit == kUnits.end() && !text.empty()) return std::nullopt;
  const int shift = unit == kUnits.end() ? 0 : unit->shift;
  const double bytes = number * static_cast<double>(Index{1} << shift);
  if (!(bytes >= 1 && bytes < kMostBytes)) return std::nullopt;
  return static_cast<Index>(bytes);
}

std::string text_of_bytes(Index bytes) {
  for (const Unit& unit : kUnits) {
    const Index one = Index{1} << unit.shift;
    if (bytes < one && unit.shift > 0) continue;
    if (bytes % one == 0) return fmt::format("{} {}", bytes / one, unit.name);
    return fmt::format("{:.1f} {}", static_cast<double>(bytes) / static_cast<double>(one),
                       unit.name);
  }
  return "0 bytes";
}

Index machine_memory() {
  const auto pages = static_cast<Index>(sysconf(_SC_PHYS_PAGES));
  Index memory = pages * static_cast<Index>(sysconf(_SC_PAGESIZE));
  if (const Index group = cgroup_limits().memory; group > 0) memory = std::min(memory, group);
  rlimit addresses{};
  if (::getrlimit(RLIMIT_AS, &addresses) == 0 && addresses.rlim_cur < rlim_t{1} << 62) {
    memory = std::min(memory, static_cast<Index>(addresses.rlim_cur));
  }
  return memory;
}

Index resident_memory() { return bytes_of_pages(pages_of_process(1)); }

Index mapped_memory() { return bytes_of_pages(pages_of_process(0)); }

}  // namespace kindred
