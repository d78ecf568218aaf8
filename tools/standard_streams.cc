#include "standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>

namespace kindred::tools {

void open_missing_streams() {
  for (int stream = 0; stream < 3; ++stream) {
    if (::fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
    // The least free number is this one. Results cannot be written into what is open to be read:
    // that they are lost is noticed.
    const int flags = stream == STDERR_FILENO ? O_WRONLY : O_RDONLY;
    if (::open("/dev/null", flags) < 0) static_cast<void>(::open("/", O_RDONLY));
  }
}

namespace {

std::atomic<bool> muted{false};

}  // namespace

MutedNotes::MutedNotes(bool mute) noexcept { muted = mute; }
MutedNotes::~MutedNotes() { muted = false; }

void write_note(std::string_view text) noexcept {
  if (muted) return;
  // Not fmt's print: that throws.
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
  static_cast<void>(std::fflush(stderr));
}

bool results_written() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return false;
  // Some file systems tell only at closing that they could not write; the stream stays open.
  const int copy = ::dup(STDOUT_FILENO);
  return copy < 0 || ::close(copy) == 0;
}

}  // namespace kindred::tools
