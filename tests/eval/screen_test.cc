// What float32 products promise about exact scores, on ordinary and on adversarial rows.
#include "eval/scores/screen.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "adversarial_rows.h"
#include "eval/neighbors/search_detail.h"
#include "eval/scores/exact_scores.h"
#include "eval/scores/score_blocks.h"
#include "naive_ranking.h"
#include "support/levels.h"

namespace kindred {
namespace {

void expect_bounds_of(Detail detail, ConstMatrixView rows, Similarity similarity) {
  const ComputeScope scope;
  const Workers workers(1);
  const Screen screen(workers, rows, rows, similarity);
  if (detail == Detail::bytes && !Gallery::may_be_bytes(screen, rows.cols())) return;
  const Gallery gallery(workers, rows, screen, {}, detail);
  const ExactScores exact(workers, rows, similarity);
  ExactQuery query(exact);
  QueryBlock block(gallery);
  const Index count = std::min(rows.rows(), QueryBlock::most_rows());
  block.load(rows, {}, 0, count);
  for (Index b = 0; b < gallery.blocks(); ++b) {
    const ScoreTile tile = block.score(b);
    for (Index i = 0; i < count; ++i) {
      query.load(rows, i);
      for (Index j = 0; j < tile.scores.cols(); ++j) {
        const double score = tile.scores(i, j);
        const double own = screen.from_exact(query.score(tile.first + j));
        ASSERT_LE(own, score + static_cast<double>(gallery.above(block.error(i))))
            << i << ' ' << tile.first + j;
        ASSERT_GE(own, score - static_cast<double>(gallery.below(block.error(i), tile.first + j)))
            << i << ' ' << tile.first + j;
      }
    }
  }
}

void expect_bounds(ConstMatrixView rows, Similarity similarity) {
  for (const Detail detail : {Detail::floats, Detail::bytes}) {
    SCOPED_TRACE(detail == Detail::bytes ? "of bytes" : "of floats");
    expect_bounds_of(detail, rows, similarity);
  }
}

TEST(Screen, IsWithinItsBoundsOfExactScores) {
  for (const Similarity similarity : adversarial::kSimilarities) {
    for (const Index columns : {1, 7, 128, 300, 1030}) {
      expect_bounds(testing_rows::uniform(150, columns, 1), similarity);
      Matrix alike = testing_rows::uniform(150, columns, 2);  // all errors of one sign
      for (Index i = 0; i < 150; ++i) {
        for (Index k = 0; k < columns; ++k) alike(i, k) = 1.1F + 1e-6F * alike(i, k);
      }
      expect_bounds(alike, similarity);
    }
    for (int n = 0; n < adversarial::kSets; ++n) {
      const adversarial::Set set = adversarial::make_set(n);
      SCOPED_TRACE(testing::Message() << set.name << ' ' << static_cast<int>(similarity));
      expect_bounds(set.rows, similarity);
    }
  }
}

// The bound of 128 numbers is some 70 roundings of 2^-24: narrow enough that few scores are looked
// up twice.
TEST(Screen, HasNarrowBoundsWhereNothingCancels) {
  const Matrix rows = testing_rows::uniform(600, 128, 1);
  const Workers workers(1);
  const Screen screen(workers, rows.view(), rows.view(), Similarity::cosine);
  EXPECT_FALSE(screen.measures_distances());
  const Gallery gallery(workers, rows.view(), screen);
  EXPECT_LT(gallery.width(gallery.error(0)), 1.4e-5F);
}

// A number is coded within half of 1/127 of the largest: of 128 normal ones, whose largest is some
// 2.7 times their root mean square, within 0.6 % of a row's length.
TEST(Screen, OfBytesHasBoundsOfAHundredth) {
  Matrix rows(600, 128);
  Random random(5, Purpose::test);
  for (Index i = 0; i < 600; ++i) {
    for (Index k = 0; k < 128; ++k) rows(i, k) = random.normal();
  }
  const ConstMatrixView all = rows;
  const ComputeScope scope;
  const Workers workers(2);
  const Screen screen(workers, all, all, Similarity::cosine);
  if (!Gallery::may_be_bytes(screen, 128)) GTEST_SKIP() << "this CPU does not multiply bytes";
  const Gallery gallery(workers, all, screen, {}, Detail::bytes);
  EXPECT_LT(gallery.above(gallery.error(0)), 0.02F);
  EXPECT_LT(open_candidates(gallery, all, 10, 8), 60);
  // All rows alike: none is surely farther than another.
  for (Index i = 1; i < 600; ++i) std::copy_n(rows.row(0), 128, rows.row(i));
  rows(0, 0) += 9;
  const Screen of_equals(workers, all, all, Similarity::inner_product);
  const Gallery equals(workers, all, of_equals, {}, Detail::bytes);
  EXPECT_GE(open_candidates(equals, all, 10, 8), 599);
}

TEST(ExactKernels, HaveTheSameBitsAtEveryLevel) {
  for (const Index size : {1, 15, 16, 17, 128, 1000}) {
    const Matrix rows = testing_rows::uniform(2, size, 3);
    std::vector<double> a(static_cast<std::size_t>(size));
    std::vector<double> b(a.size());
    long double product = 0;
    long double distance = 0;
    for (Index k = 0; k < size; ++k) {
      a[static_cast<std::size_t>(k)] = static_cast<double>(rows(0, k)) / 3;
      b[static_cast<std::size_t>(k)] = rows(1, k);
      const long double x = a[static_cast<std::size_t>(k)];
      const long double y = static_cast<long double>(rows(1, k));
      product += x * y;
      distance += (x - y) * (x - y);
    }
    const ExactKernels& plain = kernels_at<ExactKernels>(Isa::v2);
    EXPECT_NEAR(plain.dot(a.data(), rows.row(1), size), static_cast<double>(product), 1e-13);
    EXPECT_NEAR(plain.squared_distance(a.data(), rows.row(1), size), static_cast<double>(distance),
                1e-13 * static_cast<double>(size));
    for (const Isa level : levels_here()) {
      const ExactKernels& sums = kernels_at<ExactKernels>(level);
      EXPECT_EQ(sums.dot(a.data(), rows.row(1), size), plain.dot(a.data(), rows.row(1), size));
      EXPECT_EQ(sums.dot_of_doubles(a.data(), b.data(), size),
                plain.dot(a.data(), rows.row(1), size));
      EXPECT_EQ(sums.squared_distance(a.data(), rows.row(1), size),
                plain.squared_distance(a.data(), rows.row(1), size));
      EXPECT_EQ(sums.squared_distance_of_doubles(a.data(), b.data(), size),
                plain.squared_distance(a.data(), rows.row(1), size));
    }
  }
}

}  // namespace
}  // namespace kindred
