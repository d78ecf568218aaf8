#include "eval/scores/score_keys.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kindred {
namespace {

constexpr std::size_t kSmall = 192;  // below, std::sort is faster (measured)
constexpr std::size_t kMany = 3000;  // from there on fewer passes are worth larger tables

// Radix sort of the bits from `first_bit` on, from the lowest digit; a digit that all keys share is
// passed over. Equal keys stay in their order.
template <int first_bit, int digit_bits, typename Key>
void radix_sort(std::vector<Key>& keys, std::vector<Key>& scratch) {
  constexpr std::size_t kBuckets = 1 << digit_bits;
  constexpr int kBits = 8 * static_cast<int>(sizeof(Key)) - first_bit;
  constexpr std::size_t kDigits = (kBits + digit_bits - 1) / digit_bits;
  const auto digit = [](Key key, std::size_t which) {
    return (key >> (first_bit + digit_bits * static_cast<int>(which))) % kBuckets;
  };
  std::array<std::array<std::uint32_t, kBuckets>, kDigits> counts{};
  for (const Key key : keys) {
    for (std::size_t d = 0; d < kDigits; ++d) ++counts[d][digit(key, d)];
  }
  scratch.resize(keys.size());
  for (std::size_t d = 0; d < kDigits; ++d) {
    auto& count = counts[d];
    if (count[digit(keys.front(), d)] == keys.size()) continue;
    std::uint32_t before = 0;
    for (std::uint32_t& c : count) before += std::exchange(c, before);
    for (const Key key : keys) scratch[count[digit(key, d)]++] = key;
    keys.swap(scratch);
  }
}

}  // namespace

void sort_keys(std::vector<std::uint64_t>& keys, std::vector<std::uint64_t>& scratch) {
  if (keys.size() < kSmall) {
    std::sort(keys.begin(), keys.end());
  } else {
    radix_sort<0, 8>(keys, scratch);
  }
}

void sort_keys_by_score(std::vector<std::uint64_t>& keys, std::vector<std::uint64_t>& scratch) {
  if (keys.size() < kSmall) {
    std::sort(keys.begin(), keys.end());
  } else {
    radix_sort<32, 11>(keys, scratch);
  }
}

void sort_numbers(std::vector<std::uint32_t>& numbers, std::vector<std::uint32_t>& scratch) {
  if (numbers.size() < kSmall) {
    std::sort(numbers.begin(), numbers.end());
  } else if (numbers.size() < kMany) {
    radix_sort<0, 8>(numbers, scratch);
  } else {
    radix_sort<0, 11>(numbers, scratch);
  }
}

// One histogram over the range of the keys names the bucket in which the last one kept lies; only
// that bucket is looked at more closely. No branch depends on a key.
std::uint64_t keep_smallest(std::vector<std::uint64_t>& keys, std::size_t count,
                            std::vector<std::uint64_t>& scratch) {
  if (keys.size() < kSmall) {
    const auto last = keys.begin() + static_cast<std::ptrdiff_t>(count) - 1;
    std::nth_element(keys.begin(), last, keys.end());
    keys.resize(count);
    return keys.back();
  }
  constexpr int kBucketBits = 10;
  std::uint64_t low = keys.front();
  std::uint64_t high = keys.front();
  for (const std::uint64_t key : keys) {
    low = std::min(low, key);
    high = std::max(high, key);
  }
  const int shift = std::max(0, static_cast<int>(std::bit_width(high - low)) - kBucketBits);
  std::array<std::uint32_t, (1 << kBucketBits)> counts{};
  for (const std::uint64_t key : keys) ++counts[(key - low) >> shift];
  std::size_t bucket = 0;
  std::size_t before = 0;
  while (before + counts[bucket] < count) before += counts[bucket++];

  // Whole buckets stay, the bucket in question is set aside and its best put behind them.
  scratch.resize(std::max(scratch.size(), keys.size()));
  std::size_t kept = 0;
  std::size_t aside = 0;
  for (const std::uint64_t key : keys) {
    const std::size_t own = (key - low) >> shift;
    keys[kept] = key;
    scratch[aside] = key;
    kept += own < bucket ? 1 : 0;
    aside += own == bucket ? 1 : 0;
  }
  const auto last = scratch.begin() + static_cast<std::ptrdiff_t>(count - before) - 1;
  std::nth_element(scratch.begin(), last, scratch.begin() + static_cast<std::ptrdiff_t>(aside));
  std::copy(scratch.begin(), last + 1, keys.begin() + static_cast<std::ptrdiff_t>(before));
  keys.resize(count);
  return *last;
}

}  // namespace kindred
