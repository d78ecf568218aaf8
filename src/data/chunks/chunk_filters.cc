#include "data/chunks/chunk_filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace kindred {
namespace {

constexpr Index kChecksumBytes = 4;

Index buffer_bytes(const ChunkPipeline& pipeline) {
  const auto checksums = static_cast<Index>(pipeline.filters.size()) * kChecksumBytes;
  return pipeline.most_stored() + checksums;
}

std::uint32_t byte_at(const std::byte* bytes, Index i) {
  return std::to_integer<std::uint32_t>(bytes[i]);
}

}  // namespace

ChunkDecoder::ChunkDecoder(const ChunkPipeline& pipeline) : pipeline_(pipeline) {
  for (Buffer<std::byte>& buffer : buffers_) buffer = Buffer<std::byte>(buffer_bytes(pipeline));
  inflate_.reset(libdeflate_alloc_decompressor());
  if (!inflate_) throw std::bad_alloc();
}

Index ChunkDecoder::bytes_for(const ChunkPipeline& pipeline) {
  constexpr Index kInflate = Index{16} << 10;  // libdeflate's tables, rounded up
  return 2 * buffer_bytes(pipeline) + kInflate;
}

const std::byte* ChunkDecoder::decode(Index bytes, std::uint32_t mask) {
  now_ = stored();
  bytes_ = bytes;
  const std::vector<ChunkFilter>& filters = pipeline_.filters;
  const auto applied = [&](std::size_t i) { return (mask >> i & 1U) == 0; };
  for (std::size_t i = filters.size(); i-- > 0;) {
    if (!applied(i)) continue;
    // What went into this filter: the chunk, and the checksums of those before it.
    Index unpacked = pipeline_.chunk_bytes;
    for (std::size_t before = 0; before < i; ++before) {
      if (filters[before] == ChunkFilter::fletcher32 && applied(before)) unpacked += kChecksumBytes;
    }
    if (!undo(filters[i], unpacked)) return nullptr;
  }
  if (bytes_ != pipeline_.chunk_bytes) {
    refuse(fmt::format("it unpacks to {} bytes, {} are expected", bytes_, pipeline_.chunk_bytes));
    return nullptr;
  }
  return now_;
}

bool ChunkDecoder::undo(ChunkFilter filter, Index unpacked) {
  std::byte* const other = now_ == buffers_[0].data() ? buffers_[1].data() : buffers_[0].data();
  const auto size = static_cast<std::size_t>(bytes_);
  switch (filter) {
    case ChunkFilter::shuffle:
      if (pipeline_.element_bytes == 1) return true;
      unshuffle({now_, size}, pipeline_.element_bytes, other);
      now_ = other;
      return true;
    case ChunkFilter::deflate: {
      const libdeflate_result result = libdeflate_zlib_decompress(
          inflate_.get(), now_, size, other, static_cast<std::size_t>(unpacked), nullptr);
      if (result == LIBDEFLATE_BAD_DATA) return refuse("what deflate packed is damaged");
      if (result != LIBDEFLATE_SUCCESS) {
        return refuse(fmt::format("it does not unpack to the {} bytes expected", unpacked));
      }
      now_ = other;
      bytes_ = unpacked;
      return true;
    }
    case ChunkFilter::fletcher32: break;
  }
  if (bytes_ < kChecksumBytes) return refuse("it is too short to hold its checksum");
  bytes_ -= kChecksumBytes;
  const std::byte* const end = now_ + bytes_;
  const std::uint32_t stored =
      byte_at(end, 0) | byte_at(end, 1) << 8 | byte_at(end, 2) << 16 | byte_at(end, 3) << 24;
  const std::uint32_t found = fletcher32({now_, static_cast<std::size_t>(bytes_)});
  // HDF5 1.6.2 wrote the bytes of each half the other way round; all versions since read that.
  const std::uint32_t swapped = (found & 0x00FF00FFU) << 8 | (found >> 8 & 0x00FF00FFU);
  if (stored == found || stored == swapped) return true;
  return refuse(fmt::format("its checksum is {:08x}, {:08x} is stored", found, stored));
}

bool ChunkDecoder::refuse(std::string reason) {
  reason_ = std::move(reason);
  return false;
}

std::uint32_t fletcher32(std::span<const std::byte> bytes) {
  constexpr Index kWordsAtOnce = 360;  // the most whose second sum fits 32 bits
  std::uint32_t sum = 0;
  std::uint32_t sum_of_sums = 0;
  const auto fold = [](std::uint32_t x) { return (x & 0xFFFFU) + (x >> 16); };
  const std::byte* at = bytes.data();
  const auto words = static_cast<Index>(bytes.size() / 2);
  for (Index first = 0; first < words; first += kWordsAtOnce) {
    const Index count = std::min(kWordsAtOnce, words - first);
    for (Index i = 0; i < count; ++i, at += 2) {
      sum += byte_at(at, 0) << 8 | byte_at(at, 1);
      sum_of_sums += sum;
    }
    sum = fold(sum);
    sum_of_sums = fold(sum_of_sums);
  }
  if (bytes.size() % 2 == 1) {
    sum = fold(sum + (byte_at(at, 0) << 8));
    sum_of_sums = fold(sum_of_sums + sum);
  }
  return fold(sum_of_sums) << 16 | fold(sum);
}

void unshuffle(std::span<const std::byte> src, Index element_bytes, std::byte* dst) {
  const Index count = static_cast<Index>(src.size()) / element_bytes;
  if (element_bytes == 4) {
    const std::byte* const plane = src.data();
    for (Index i = 0; i < count; ++i) {
      dst[4 * i] = plane[i];
      dst[4 * i + 1] = plane[count + i];
      dst[4 * i + 2] = plane[2 * count + i];
      dst[4 * i + 3] = plane[3 * count + i];
    }
  } else {
    for (Index b = 0; b < element_bytes; ++b) {
      for (Index i = 0; i < count; ++i) dst[i * element_bytes + b] = src.data()[b * count + i];
    }
  }
  const Index whole = count * element_bytes;
  std::copy(src.begin() + whole, src.end(), dst + whole);
}

}  // namespace kindred
