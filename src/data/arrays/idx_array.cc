#include "data/arrays/idx_array.h"

#include <fmt/format.h>

#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr std::size_t kBytesType = 8;  // unsigned bytes

}  // namespace

IdxArray parse_idx(std::vector<std::byte> bytes, const std::string& where) {
  IdxArray file{where, std::move(bytes), {}, 0};
  const auto byte = [&](std::size_t i) { return std::to_integer<std::size_t>(file.bytes[i]); };
  const std::size_t rank = file.bytes.size() >= 4 ? byte(3) : 0;
  if (rank < 1 || rank > 4 || file.bytes.size() < 4 + 4 * rank || byte(0) != 0 || byte(1) != 0) {
    fail(ErrorKind::data, fmt::format("{}: is no IDX file", file.where));
  }
  if (byte(2) != kBytesType) {
    fail(ErrorKind::data,
         fmt::format("{}: holds IDX type {}; only bytes (8) are read", file.where, byte(2)));
  }
  file.begin = static_cast<Index>(4 + 4 * rank);
  const Index held = static_cast<Index>(file.bytes.size()) - file.begin;
  Index wanted = 1;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::size_t at = 4 + 4 * i;
    const auto extent =
        static_cast<Index>(byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3));
    file.shape.push_back(extent);
    wanted = extent == 0 || wanted <= held / extent ? wanted * extent : held + 1;
  }
  if (wanted != held || wanted == 0) {
    fail(ErrorKind::data,
         fmt::format("{}: the header says [{}] bytes, but {} follow it; the file is damaged or cut "
                     "short",
                     file.where, fmt::join(file.shape, ", "), held));
  }
  return file;
}

}  // namespace kindred
