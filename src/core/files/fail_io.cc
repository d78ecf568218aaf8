#include "core/files/fail_io.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace kindred {
namespace {

struct Advice {
  int reason;
  const char* text;
};
constexpr const char* kFreeSpace = "free some space and run again";
// One whose text begins another's comes behind it.
constexpr std::array<Advice, 7> kAdvice{{
    {ENOSPC, kFreeSpace},
    {EDQUOT, kFreeSpace},
    {EFBIG, "raise the limit on the size of files (ulimit -f), or name another place"},
    {EIO, "look after the disk"},
    {ENFILE, "the machine has as many files open as it may: end other programs, and run again"},
    {EMFILE, "raise the limit on open files (ulimit -n)"},
    {ENOMEM, "the machine is out of memory: end other programs, and run again"},
}};

}  // namespace

ErrorKind kind_of_failure(int reason, ErrorKind usual) {
  const bool refused = reason == EMFILE || reason == ENFILE || reason == ENOMEM || reason == EAGAIN;
  return refused ? ErrorKind::system : usual;
}

std::string text_of_failure(int reason) {
  const auto* const known = std::ranges::find(kAdvice, reason, &Advice::reason);
  if (known == kAdvice.end()) return std::strerror(reason);
  return fmt::format("{}; {}", std::strerror(reason), known->text);
}

int failure_named(std::string_view text) {
  const auto* const named = std::ranges::find_if(kAdvice, [&](const Advice& advice) {
    return text.find(std::strerror(advice.reason)) != text.npos;
  });
  return named == kAdvice.end() ? 0 : named->reason;
}

void fail_io(const std::string& path, const char* what) {
  const int reason = errno;
  fail(kind_of_failure(reason, ErrorKind::io),
       fmt::format("{}: {} failed: {}", path, what, text_of_failure(reason)));
}

}  // namespace kindred
