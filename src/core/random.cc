#include "kindred/core/random.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kindred {
namespace {

// Spreads the bits of a word (the finaliser of splitmix64), so that near keys give far streams.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
std::uint32_t high(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }

}  // namespace

std::array<std::uint32_t, 4> Random::philox(std::array<std::uint32_t, 4> counter,
                                            std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {high(p1) ^ counter[1] ^ key[0], low(p1), high(p0) ^ counter[3] ^ key[1], low(p0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

Random::Random(std::uint64_t seed, Purpose purpose, std::uint64_t a, std::uint64_t b) {
  const std::uint64_t key = mix(seed ^ mix(static_cast<std::uint64_t>(purpose)));
  const std::uint64_t stream = mix(a ^ mix(b + 0x632BE59BD9B4E019u));
  key_ = {low(key), high(key)};
  // Word 0 counts blocks within the stream; a, b and their mix keep streams apart.
  counter_ = {0, low(stream), high(stream), low(a) ^ (low(b) << 16 | low(b) >> 16)};
}

void Random::skip(std::uint64_t count) {
  const std::uint64_t left = std::min<std::uint64_t>(count, static_cast<std::uint64_t>(4 - used_));
  used_ += static_cast<int>(left);
  count -= left;
  if (count == 0) return;
  counter_[0] += low(count / 4);  // which counts to 2^32, as next() does
  take_block();
  used_ = static_cast<int>(count % 4);
}

std::uint32_t Random::next() {
  if (used_ == 4) take_block();
  return block_[static_cast<std::size_t>(used_++)];
}

void Random::take_block() {
  block_ = philox(counter_, key_);
  ++counter_[0];
  used_ = 0;
}

std::uint64_t Random::next64() {
  const std::uint64_t upper = next();
  return upper << 32 | next();
}

float Random::uniform() { return static_cast<float>(next() >> 8) * 0x1p-24f; }

float Random::uniform(float low_end, float high_end) {
  return low_end + (high_end - low_end) * uniform();
}

float Random::normal() {
  const double u = (static_cast<double>(next()) + 0.5) * 0x1p-32;  // in (0, 1): log is finite
  const double v = static_cast<double>(next()) * 0x1p-32;
  return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v));
}

Index Random::below(Index n) {
  // Lemire 2019: multiply, and reject the few products that would favour low results.
  const auto range = static_cast<std::uint64_t>(n);
  if (range >> 32 != 0) return static_cast<Index>(next64() % range);  // bias below n / 2^64
  std::uint64_t product = next() * range;
  if (low(product) < range) {
    const std::uint64_t threshold = (std::uint64_t{1} << 32) % range;
    while (low(product) < threshold) product = next() * range;
  }
  return static_cast<Index>(product >> 32);
}

}  // namespace kindred
