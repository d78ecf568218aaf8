#include "kindred/eval/neighbors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kindred/core/error.h"
#include "naive_ranking.h"
#include "support/error_of.h"

namespace kindred {
namespace {

constexpr Similarity kSimilarities[] = {Similarity::cosine, Similarity::inner_product,
                                        Similarity::euclidean};

/// Exact in float32, so that ties are ties in the naive version too.
Matrix exact_rows(Index rows, Similarity similarity, std::uint64_t seed) {
  return similarity == Similarity::cosine ? testing_rows::signs(rows, seed)
                                          : testing_rows::whole_numbers(rows, 16, 2, seed);
}

void expect_naive(const Matrix& queries, const Matrix& gallery, const std::vector<Index>& every_k,
                  Similarity similarity, bool leave_one_out) {
  SCOPED_TRACE(testing::Message() << queries.rows() << " queries, " << gallery.rows()
                                  << " in the gallery, similarity "
                                  << static_cast<int>(similarity));
  std::vector<std::vector<Index>> orders;
  for (Index q = 0; q < queries.rows(); ++q) {
    orders.push_back(naive::ranking(queries.row(q), gallery, similarity, leave_one_out ? q : -1));
  }
  for (const Index k : every_k) {
    const Neighbors found =
        find_neighbors(Workers(2), queries, gallery, k, similarity, leave_one_out);
    for (Index q = 0; q < queries.rows(); ++q) {
      for (Index j = 0; j < k; ++j) {
        const Index expected = orders[static_cast<std::size_t>(q)][static_cast<std::size_t>(j)];
        ASSERT_EQ(found.index(q, j), expected)
            << "query " << q << ", neighbour " << j << " of " << k;
        const double score =
            naive::score(queries.row(q), gallery.row(expected), gallery.cols(), similarity);
        // A distance is the root of an exact square; the rest is exact.
        ASSERT_NEAR(found.score(q, j), similarity == Similarity::euclidean ? -score : score, 1e-6);
      }
    }
  }
}

TEST(Neighbors, AgreeWithNaiveWhereTiesAreMany) {
  for (const Similarity similarity : kSimilarities) {
    const Matrix gallery = exact_rows(1100, similarity, 1);
    expect_naive(exact_rows(150, similarity, 2), gallery, {1, 2, 10, 100, 1100}, similarity, false);
    const Matrix both = exact_rows(530, similarity, 3);
    expect_naive(both, both, {1, 7, 529}, similarity, true);
  }
}

TEST(Neighbors, AgreeWithNaiveForSmallGalleries) {
  for (const Similarity similarity : kSimilarities) {
    for (const Index rows : {1, 2, 31, 63, 64, 65, 512, 513}) {
      const Matrix gallery = exact_rows(rows, similarity, 1);
      expect_naive(exact_rows(3, similarity, 2), gallery, {std::min<Index>(rows, 5)}, similarity,
                   false);
    }
  }
}

// From 8,192 rows on products are made of bytes, where the CPU multiplies them.
TEST(Neighbors, AgreeWithNaiveForLargeGalleries) {
  for (const Similarity similarity : kSimilarities) {
    for (const Index columns : {35, 64}) {
      const Matrix gallery = testing_rows::whole_numbers(8'400, columns, 30, 6);
      expect_naive(testing_rows::whole_numbers(30, columns, 30, 7), gallery, {1, 10, 300},
                   Similarity::inner_product, false);
    }
    Matrix gallery = testing_rows::uniform(8'300, 48, 8);
    for (Index i = 0; i < 8'300; ++i) {  // rows of very different lengths, some of zeros
      const float length = i % 100 == 0 ? 0 : std::pow(10.0F, static_cast<float>(i % 7 - 3));
      for (Index k = 0; k < 48; ++k) gallery(i, k) *= length;
    }
    const Neighbors all = find_neighbors(Workers(2), gallery, gallery, 9, similarity, true);
    const Neighbors apart =
        find_neighbors(Workers(2), gallery.view().rows_from(0, 8'299), gallery, 10, similarity);
    for (Index q = 0; q < 8'299; q += 83) {
      const std::vector<Index> order = naive::ranking(gallery.row(q), gallery, similarity, q);
      Index other = 0;
      for (Index j = 0; j < 10 && other < 9; ++j) {
        if (apart.index(q, j) == q) continue;
        ASSERT_EQ(all.index(q, other), apart.index(q, j)) << "query " << q;
        ASSERT_EQ(all.score(q, other), apart.score(q, j)) << "query " << q;
        const double score = naive::score(
            gallery.row(q), gallery.row(order[static_cast<std::size_t>(other)]), 48, similarity);
        ASSERT_NEAR(
            similarity == Similarity::euclidean ? -all.score(q, other) : all.score(q, other), score,
            1e-12 * std::max(1.0, std::abs(score)))
            << "query " << q;
        ++other;
      }
    }
  }
}

// Every fifth row is the same row, at the edges of tiles and blocks too: its copies are nearest
// and stand by index, at distance zero and equal scores to the bit.
TEST(Neighbors, OfEqualRowsStandByIndexWithEqualScores) {
  for (const Similarity similarity : kSimilarities) {
    Matrix rows = testing_rows::uniform(1300, 100, 1);
    for (Index j = 0; j < 100; ++j) rows(0, j) *= 2;  // the longest by far
    for (Index i = 5; i < 1300; i += 5) std::copy_n(rows.row(0), 100, rows.row(i));
    const Neighbors found = find_neighbors(Workers(2), rows, rows, 260, similarity);
    for (const Index q : {0, 5, 70, 140, 510, 515, 1025, 1295}) {
      for (Index j = 0; j < 260; ++j) {
        ASSERT_EQ(found.index(q, j), 5 * j) << "query " << q;
        ASSERT_EQ(found.score(q, j), found.score(0, 0));
        if (similarity == Similarity::euclidean) {
          ASSERT_EQ(found.score(q, j), 0.0F);
        }
      }
    }
  }
}

TEST(Neighbors, HaveTheSameBitsForAnyNumberOfThreads) {
  const Matrix gallery = testing_rows::uniform(2000, 33, 1);
  const Matrix queries = testing_rows::uniform(700, 33, 2);
  for (const Similarity similarity : kSimilarities) {
    const Neighbors first = find_neighbors(Workers(1), queries, gallery, 12, similarity);
    for (const int threads : {2, 3, 8}) {
      const Neighbors again = find_neighbors(Workers(threads), queries, gallery, 12, similarity);
      for (Index q = 0; q < 700; ++q) {
        for (Index j = 0; j < 12; ++j) {
          ASSERT_EQ(first.index(q, j), again.index(q, j));
          ASSERT_EQ(first.score(q, j), again.score(q, j));
        }
      }
    }
  }
}

// Rows among themselves are searched in another way, each pair of them once: the same bits as when
// all but the last are asked for, which is searched as any queries are.
TEST(Neighbors, OfRowsAmongThemselvesAreThoseOfAnyQueries) {
  constexpr Index kRows = 1800;
  constexpr Index kAsked = 20;
  for (const Similarity similarity : kSimilarities) {
    for (const bool ties : {false, true}) {
      const Matrix rows =
          ties ? exact_rows(kRows, similarity, 4) : testing_rows::uniform(kRows, 150, 4);
      const Neighbors apart = find_neighbors(Workers(2), rows.view().rows_from(0, kRows - 1), rows,
                                             kAsked + 1, similarity);
      for (const int threads : {1, 2, 3, 8}) {
        const Neighbors all = find_neighbors(Workers(threads), rows, rows, kAsked + 1, similarity);
        const Neighbors others =
            find_neighbors(Workers(threads), rows, rows, kAsked, similarity, true);
        for (Index q = 0; q < kRows - 1; ++q) {
          Index other = 0;
          for (Index j = 0; j <= kAsked; ++j) {
            ASSERT_EQ(all.index(q, j), apart.index(q, j)) << threads << " threads, query " << q;
            ASSERT_EQ(all.score(q, j), apart.score(q, j)) << threads << " threads, query " << q;
            if (apart.index(q, j) == q || other == kAsked) continue;
            ASSERT_EQ(others.index(q, other), apart.index(q, j)) << "query " << q;
            ASSERT_EQ(others.score(q, other), apart.score(q, j)) << "query " << q;
            ++other;
          }
          ASSERT_EQ(other, kAsked);
        }
      }
    }
  }
}

// A few queries are searched for in another way than many.
TEST(Neighbors, DoNotDependOnWhichOtherQueriesAreAsked) {
  Matrix gallery = testing_rows::uniform(9000, 70, 1);
  for (Index row = 100; row < 120; ++row) std::copy_n(gallery.row(7), 70, gallery.row(row));
  const Matrix queries = testing_rows::uniform(300, 70, 2);
  for (const Similarity similarity : kSimilarities) {
    for (const Index k : {1, 5, 700}) {
      const Neighbors all = find_neighbors(Workers(2), queries, gallery, k, similarity);
      for (const auto& [first, count] :
           {std::pair(0, 1), {13, 2}, {139, 12}, {140, 13}, {299, 1}}) {
        for (const int threads : {1, 3}) {
          const Neighbors some = find_neighbors(
              Workers(threads), queries.view().rows_from(first, count), gallery, k, similarity);
          for (Index i = 0; i < count; ++i) {
            for (Index j = 0; j < k; ++j) {
              ASSERT_EQ(some.index(i, j), all.index(first + i, j)) << first << " " << k;
              ASSERT_EQ(some.score(i, j), all.score(first + i, j)) << first << " " << k;
            }
          }
        }
      }
    }
  }
}

TEST(Neighbors, RefuseBadInput) {
  Matrix rows = testing_rows::uniform(4, 3, 1);
  const auto search = [&](Index k, bool leave_one_out) {
    return test::error_of(
        [&] { find_neighbors(Workers(1), rows, rows, k, Similarity::cosine, leave_one_out); },
        ErrorKind::usage);
  };
  EXPECT_EQ(search(5, false),
            "k = 5, but there are 4 gallery embeddings to choose from; k must be 1 to 4");
  EXPECT_EQ(search(4, true),
            "k = 4, but there are 3 other embeddings to choose from; k must be 1 to 3");
  EXPECT_EQ(search(0, false),
            "k = 0, but there are 4 gallery embeddings to choose from; k must be 1 to 4");
  const Matrix queries = testing_rows::uniform(4, 3, 1);
  rows(3, 0) = std::nanf("");
  EXPECT_EQ(test::error_of(
                [&] { find_neighbors(Workers(1), queries, rows, 1, Similarity::inner_product); },
                ErrorKind::data),
            "gallery embeddings: row 3 of 4 has NaN at column 0");
  rows(3, 0) = 1e19F;
  for (const Index count : {4, 400}) {
    const Matrix few = testing_rows::uniform(count, 3, 1);
    EXPECT_EQ(
        test::error_of([&] { find_neighbors(Workers(2), few, rows, 1, Similarity::cosine); },
                       ErrorKind::data),
        "gallery embeddings: row 3 of 4 is too long: its square leaves float32; scale the rows "
        "down");
  }
}

TEST(Neighbors, RecallCountsSharedIndices) {
  const std::int64_t right[] = {1, 2, 3, 4};
  const std::int64_t other[] = {2, 1, 4, -1};
  BasicMatrix<std::int64_t> exact(2, 2);
  BasicMatrix<std::int64_t> found(2, 2);
  for (Index i = 0; i < 4; ++i) {
    exact(i / 2, i % 2) = right[i];
    found(i / 2, i % 2) = other[i];
  }
  EXPECT_EQ(neighbor_recall(found, exact, 2), 0.75);
  EXPECT_EQ(neighbor_recall(found, exact, 1), 0);
  test::error_of([&] { neighbor_recall(found, exact, 3); }, ErrorKind::usage);
}

}  // namespace
}  // namespace kindred
