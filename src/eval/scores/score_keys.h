#pragma once
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace kindred {

/// Orders by falling score, then rising index, as one number: the smaller is the nearer.
inline std::uint64_t order_key(float score, std::uint32_t index) {
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 counts as 0
  const std::uint32_t rising = (bits >> 31) != 0 ? ~bits : bits | 0x80000000U;
  return static_cast<std::uint64_t>(~rising) << 32 | index;
}
inline std::uint32_t index_of_key(std::uint64_t key) { return static_cast<std::uint32_t>(key); }
/// The score's part of a key: the smaller is the nearer.
inline std::uint32_t upper_half(std::uint64_t key) { return static_cast<std::uint32_t>(key >> 32); }
inline float score_of_upper_half(std::uint32_t half) {
  const std::uint32_t rising = ~half;
  return std::bit_cast<float>((rising >> 31) != 0 ? rising & 0x7FFFFFFFU : ~rising);
}
inline float score_of_key(std::uint64_t key) { return score_of_upper_half(upper_half(key)); }

/// Sorts keys, rising. `scratch` is made as large as need be; its content is not kept.
void sort_keys(std::vector<std::uint64_t>& keys, std::vector<std::uint64_t>& scratch);

/// The same for keys that stand by rising index, as order_key got them: only the scores are sorted.
void sort_keys_by_score(std::vector<std::uint64_t>& keys, std::vector<std::uint64_t>& scratch);

/// Sorts numbers of 32 bits, rising: the upper halves of keys, say.
void sort_numbers(std::vector<std::uint32_t>& numbers, std::vector<std::uint32_t>& scratch);

/// Keeps the `count` smallest keys, in no particular order, and returns the largest of them.
/// REQUIRES: 1 <= count <= keys.size().
std::uint64_t keep_smallest(std::vector<std::uint64_t>& keys, std::size_t count,
                            std::vector<std::uint64_t>& scratch);

}  // namespace kindred
