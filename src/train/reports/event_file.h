#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kindred/core/index.h"

namespace kindred {

/// TensorBoard's files of events: records, each with its length and checksums, that hold messages
/// of protocol buffers (tensorflow/core/util/event.proto, tensorflow/core/lib/io/record_writer).
class EventFile {
 public:
  EventFile();

  /// Numbers by tag at one step; `seconds` since 1970, or since the run began.
  void add(Index step, double seconds, const std::vector<std::pair<std::string, double>>& values);
  const std::string& bytes() const { return bytes_; }

 private:
  void append(std::string_view message);

  std::string bytes_;
};

/// CRC-32C (Castagnoli) of the bytes.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace kindred
