#include "data/hdf5/hdf5_lzf.h"

#include <hdf5.h>

#include <cstdlib>
#include <span>

namespace kindred {
namespace {

constexpr std::size_t kMostLzfBytes = std::size_t{1} << 30;

// A control byte below 32 comes before that many bytes and one; else its upper three bits are a
// length (7: a byte of more follows) and the rest, with the next byte, how far back to copy from.
// True where `packed` fills `unpacked` exactly. Source: liblzf's lzf_d.c, format of version 1.05.
bool unpack_lzf(std::span<const unsigned char> packed, std::span<unsigned char> unpacked) {
  std::size_t in = 0;
  std::size_t out = 0;
  while (in < packed.size()) {
    const std::size_t control = packed[in++];
    if (control < 32) {
      const std::size_t count = control + 1;
      if (count > packed.size() - in || count > unpacked.size() - out) return false;
      for (std::size_t i = 0; i < count; ++i) unpacked[out++] = packed[in++];
      continue;
    }
    std::size_t count = control >> 5;
    if (count == 7) {
      if (in >= packed.size()) return false;
      count += packed[in++];
    }
    count += 2;
    if (in >= packed.size()) return false;
    const std::size_t back = ((control & 31) << 8 | packed[in++]) + 1;
    if (back > out || count > unpacked.size() - out) return false;
    for (std::size_t i = 0; i < count; ++i, ++out) unpacked[out] = unpacked[out - back];
  }
  return out == unpacked.size();
}

// HDF5's signature for filters; zero is an error. The third value is the size of a chunk.
std::size_t unpack(unsigned flags, std::size_t count, const unsigned values[], std::size_t bytes,
                   std::size_t* capacity, void** buffer) {
  const bool reads = (flags & H5Z_FLAG_REVERSE) != 0;
  if (!reads || count < 3 || values[2] == 0 || values[2] > kMostLzfBytes || bytes > *capacity) {
    return 0;
  }
  auto* const unpacked = static_cast<unsigned char*>(H5allocate_memory(values[2], false));
  if (unpacked == nullptr) return 0;
  if (!unpack_lzf({static_cast<const unsigned char*>(*buffer), bytes}, {unpacked, values[2]})) {
    H5free_memory(unpacked);
    return 0;
  }
  H5free_memory(*buffer);
  *buffer = unpacked;
  *capacity = values[2];
  return values[2];
}

}  // namespace

void register_lzf() {
  static const H5Z_class2_t filter{.version = H5Z_CLASS_T_VERS,
                                   .id = kLzfFilter,
                                   .encoder_present = 1,  // else who copies a plan fails
                                   .decoder_present = 1,
                                   .name = "lzf",
                                   .can_apply = nullptr,
                                   .set_local = nullptr,
                                   .filter = unpack};
  H5Zregister(&filter);
}

}  // namespace kindred
