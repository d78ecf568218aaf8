#pragma once
#include <libdeflate.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "kindred/core/buffer.h"

namespace kindred {

/// HDF5's own filters, as far as chunks are unpacked here and not by HDF5.
enum class ChunkFilter : std::uint8_t { shuffle, deflate, fletcher32 };

/// What every chunk of a data set went through when it was written, in that order.
struct ChunkPipeline {
  std::vector<ChunkFilter> filters;  ///< deflate at most once
  Index element_bytes = 1;
  Index chunk_bytes = 0;  ///< before the first filter

  /// The most that a chunk of any sense takes in the file: deflate makes nothing much longer.
  Index most_stored() const { return chunk_bytes + chunk_bytes / 8 + 4096; }
  auto fields() { return std::tie(filters, element_bytes, chunk_bytes); }
};

/// Undoes a pipeline. Holds the memory for it: one caller at a time, no allocation after the
/// construction.
class ChunkDecoder {
 public:
  explicit ChunkDecoder(const ChunkPipeline& pipeline);
  /// What one takes in memory.
  static Index bytes_for(const ChunkPipeline& pipeline);

  /// Where the chunk as stored is to be put; most_stored() bytes.
  std::byte* stored() { return buffers_[0].data(); }
  /// The chunk_bytes of the chunk whose `bytes` are in stored(); bit i of `mask` says that filter i
  /// was left out. Valid until the next call. Where they are damaged: nullptr, and reason().
  const std::byte* decode(Index bytes, std::uint32_t mask);
  const std::string& reason() const { return reason_; }

 private:
  struct Free {
    void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
  };
  bool undo(ChunkFilter filter, Index unpacked);
  bool refuse(std::string reason);

  ChunkPipeline pipeline_;
  Buffer<std::byte> buffers_[2];
  std::byte* now_ = nullptr;  ///< what is unpacked so far, `bytes_` of it
  Index bytes_ = 0;
  std::unique_ptr<libdeflate_decompressor, Free> inflate_;
  std::string reason_;
};

/// Fletcher's checksum as HDF5 computes it: over 16-bit words, the high byte first.
std::uint32_t fletcher32(std::span<const std::byte> bytes);

/// Bytes of equal weight side by side become elements again; what is left over stays at the end.
void unshuffle(std::span<const std::byte> src, Index element_bytes, std::byte* dst);

}  // namespace kindred
