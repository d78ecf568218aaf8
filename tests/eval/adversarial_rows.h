#pragma once
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kindred/core/matrix.h"
#include "kindred/core/random.h"
#include "kindred/eval/metric.h"

/// Embeddings that float32 arithmetic gets wrong, and their scores in extended precision.
namespace kindred::adversarial {

struct Set {
  std::string name;
  Matrix rows;
  std::vector<std::int64_t> labels;
};

inline constexpr int kSets = 200;

/// Set number `n`: an offset, a scale, and a few of: constant columns, equal rows, rows that nearly
/// tie, rows of zeros, denormal numbers, rows of very different lengths, few values.
inline Set make_set(int n) {
  constexpr float kOffsets[] = {0, 1, 1e3F, 1e4F, 1e6F};
  constexpr float kScales[] = {1e-30F, 1e-20F, 1e-10F, 1, 1e5F, 1e15F};
  constexpr float kLengths[] = {1e-6F, 1e-3F, 1e3F};
  constexpr Index kColumns[] = {1, 2, 3, 8, 16, 33, 300};
  Random random(77, Purpose::test, static_cast<std::uint64_t>(n));
  const auto one_of = [&](const auto& list) { return list[random.below(std::ssize(list))]; };
  const float scale = one_of(kScales);
  const float offset = scale > 1e9F ? 0 : one_of(kOffsets);
  const Index columns = one_of(kColumns);
  const Index count = 20 + random.below(60);
  const auto traits = static_cast<unsigned>(random.below(256));
  const auto has = [&](unsigned bit) { return (traits >> bit & 1U) != 0; };
  Set set{"set " + std::to_string(n) + " [" + std::to_string(count) + ", " +
              std::to_string(columns) + "] offset " + std::to_string(offset) + " scale " +
              std::to_string(std::log10(scale)) + " traits " + std::to_string(traits),
          Matrix(count, columns),
          {}};
  Matrix& rows = set.rows;
  for (Index i = 0; i < count; ++i) {
    float length = 1;
    if (has(0) && i % 7 == 0) length = scale > 1e9F ? 1e-3F : one_of(kLengths);
    for (Index k = 0; k < columns; ++k) {
      float number = random.normal();
      if (has(1)) number = static_cast<float>(random.below(5) - 2);
      if (has(2) && k % 3 == 1) number = 0.7F;
      rows(i, k) = length * scale * (number + offset);
    }
    set.labels.push_back(random.below(3 + count / 8));
  }
  for (Index i = 5; i < count; ++i) {
    if (has(3) && i % 5 == 0) std::copy_n(rows.row(i - 5), columns, rows.row(i));
    if (has(4) && i % 5 == 1) {  // the next float32 in one place
      std::copy_n(rows.row(i - 1), columns, rows.row(i));
      float& number = rows(i, random.below(columns));
      number = std::nextafter(number, std::numeric_limits<float>::max());
    }
    if (has(5) && i % 11 == 3) std::fill_n(rows.row(i), columns, 0.0F);
    if (has(6) && i % 6 == 2) rows(i, random.below(columns)) = 1e-40F;
    if (has(7) && i % 9 == 4 && scale <= 1) {
      for (Index k = 0; k < columns; ++k) rows(i, k) *= 1e6F;
    }
  }
  return set;
}

/// A score in extended precision, with what 1e-12 is a share of: |q| |g|, or the squared distance.
/// The Euclidean score is minus the squared distance.
struct Score {
  long double value;
  long double unit;
};

inline Score score(const float* a, const float* b, Index size, Similarity similarity) {
  const auto exact = [](float number) {
    const bool denormal = std::abs(number) < std::numeric_limits<float>::min();
    return denormal ? 0.0L : static_cast<long double>(number);
  };
  long double ab = 0;
  long double aa = 0;
  long double bb = 0;
  long double distance = 0;
  for (Index k = 0; k < size; ++k) {
    const long double x = exact(a[k]);
    const long double y = exact(b[k]);
    ab += x * y;
    aa += x * x;
    bb += y * y;
    distance += (x - y) * (x - y);
  }
  const long double lengths = std::sqrt(aa) * std::sqrt(bb);
  switch (similarity) {
    case Similarity::cosine: return {lengths > 0 ? ab / lengths : 0, 1};
    case Similarity::inner_product: return {ab, lengths};
    case Similarity::euclidean: return {-distance, distance};
  }
  return {};
}

/// Whether `a` may stand before `b`.
inline bool may_precede(const Score& a, const Score& b) {
  return a.value >= b.value - 1e-12L * std::max(a.unit, b.unit);
}

inline constexpr Similarity kSimilarities[] = {Similarity::cosine, Similarity::inner_product,
                                               Similarity::euclidean};

}  // namespace kindred::adversarial
