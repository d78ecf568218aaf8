#pragma once
#include <string_view>

/// The program's standard streams: results on the one, whose loss is an error, notes on the other,
/// whose loss is none.
namespace kindred::tools {

/// Puts something harmless where a stream was closed when the program began: the next file that is
/// opened would get its number, and what is printed. To be called first.
void open_missing_streams();

/// `text` as it is to standard error. Never fails: nothing stops because nobody reads along (a full
/// disk, a pipe whose reader has left, a terminal that is gone).
void write_note(std::string_view text) noexcept;

/// While it lives nothing is noted: what every rank would say is said by rank 0.
class MutedNotes {
 public:
  explicit MutedNotes(bool mute) noexcept;
  ~MutedNotes();
  MutedNotes(const MutedNotes&) = delete;
  MutedNotes& operator=(const MutedNotes&) = delete;
};

/// Flushes standard output. False where something that was printed there is lost.
bool results_written();

}  // namespace kindred::tools
