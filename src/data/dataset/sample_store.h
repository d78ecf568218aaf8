#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/files/file_stamp.h"
#include "data/dataset/sample_rows.h"
#include "data/dataset/sample_stream.h"
#include "kindred/core/buffer.h"
#include "kindred/data/sample_source.h"

namespace kindred {

/// The memory a data set may take of a process.
struct SampleMemory {
  Index budget;           ///< for all of the process
  bool streamed = false;  ///< however small the data set is
  Index held = 0;         ///< taken by labels and indices already
  Index held_later = 0;   ///< and by what is read at once where samples are held: paths

  bool holds(Index samples, Index sample_bytes) const {
    return !streamed && for_samples() >= 0 && samples <= for_samples() / sample_bytes;
  }
  Index for_samples() const { return budget / 4 * 3 - held; }
  Index resident() const { return budget / 8 * 7; }
  /// The least budget of which `samples` bytes are for samples.
  Index least(Index samples) const { return (held + samples + 2) / 3 * 4 + 4; }
  /// And with which so many bytes of samples are all held.
  Index least_to_hold(Index samples) const { return least(samples + held_later); }
};

/// The raw samples of a data set in HDF5: in memory where they fit, else streamed. Checks that
/// floats are finite, and that the files they come from stay as they were.
class SampleStore final : public SampleSource {
 public:
  /// `files` are those of the rows, as they were before anything of them was read. Fails with data,
  /// or with recipe where the memory is too little.
  SampleStore(SampleRows rows, std::vector<FileStamp> files, const Shape& shape,
              const SampleMemory& memory);

  bool in_memory() const override { return stream_ == nullptr; }
  /// Nothing where samples are in memory.
  const SampleStream* stream() const { return stream_.get(); }
  void read(std::span<const Index> samples, std::byte* dst, Reading reading) override;
  /// Fails with data where one of the files was changed since.
  void check_files() const;
  /// See Dataset::checksum.
  std::optional<std::uint64_t> checksum() const;

 private:
  Index rows_at_once() const;
  void check_values(const std::byte* rows, Index first, Index count) const;
  void check_streamed_values();

  std::vector<FileStamp> files_;
  Buffer<std::byte> memory_;  ///< all samples
  std::unique_ptr<SampleStream> stream_;
  std::optional<std::uint64_t> streamed_checksum_;
};

}  // namespace kindred
