#include "kindred/gallery/gallery_snapshot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "gallery/gallery_files.h"
#include "support/error_of.h"

namespace kindred {
namespace {

using Rows = GallerySnapshot::Rows;

/// Rows with numbers 1, 2, ... of identities 0 to 6.
Rows random_rows(Index first, Index count, Index dimension) {
  Rows rows;
  for (Index i = first; i < first + count; ++i) {
    rows.ids.push_back(i + 1);
    rows.identities.push_back(i % 7);
    const std::vector<float> row = test::random_embedding(i, dimension);
    rows.embeddings.insert(rows.embeddings.end(), row.begin(), row.end());
  }
  return rows;
}

double naive_cosine(const float* a, const float* b, Index size) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (Index k = 0; k < size; ++k) {
    ab += static_cast<double>(a[k]) * static_cast<double>(b[k]);
    aa += static_cast<double>(a[k]) * static_cast<double>(a[k]);
    bb += static_cast<double>(b[k]) * static_cast<double>(b[k]);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

std::vector<GalleryMatch> naive_nearest(const Rows& rows, const float* query, Index dimension,
                                        Index k, GalleryAmong among, Index own) {
  std::vector<GalleryMatch> all;
  for (std::size_t i = 0; i < rows.ids.size(); ++i) {
    const Index identity = rows.identities[i];
    if (among != GalleryAmong::all && identity == 0) continue;
    if (among == GalleryAmong::others && identity == own) continue;
    const float* const row = rows.embeddings.data() + i * static_cast<std::size_t>(dimension);
    all.push_back({rows.ids[i], identity, naive_cosine(query, row, dimension)});
  }
  std::ranges::stable_sort(all, std::greater<>(), &GalleryMatch::score);
  all.resize(std::min<std::size_t>(all.size(), static_cast<std::size_t>(k)));
  return all;
}

// Two whole blocks of 4,096 and a part of one; 67 numbers fill no register.
TEST(GallerySnapshot, FindsWhatTheNaiveScanFinds) {
  constexpr Index kDimension = 67;
  const Rows rows = random_rows(0, 9000, kDimension);
  const auto snapshot = GallerySnapshot(kDimension).with(rows);
  Matrix queries(6, kDimension);
  std::vector<Index> own;
  for (Index q = 0; q < queries.rows(); ++q) {
    std::copy_n(test::random_embedding(20000 + q, kDimension).data(), kDimension, queries.row(q));
    own.push_back(q);
  }
  for (const GalleryAmong among : {GalleryAmong::all, GalleryAmong::named, GalleryAmong::others}) {
    for (const int threads : {1, 3}) {
      const Workers workers(threads);
      const auto found = snapshot->nearest(workers, queries, 20, among, own);
      for (Index q = 0; q < queries.rows(); ++q) {
        const auto expected = naive_nearest(rows, queries.row(q), kDimension, 20, among, q);
        const auto& of = found[static_cast<std::size_t>(q)];
        ASSERT_EQ(of.size(), 20U);
        for (std::size_t j = 0; j < 20; ++j) {
          EXPECT_EQ(of[j].id, expected[j].id) << q << " " << j;
          EXPECT_EQ(of[j].identity, expected[j].identity);
          EXPECT_NEAR(of[j].score, expected[j].score, 1e-13);  // float64, other orders of sums
        }
      }
    }
  }
}

TEST(GallerySnapshot, GivesTiesToTheLowerNumber) {
  Rows rows;
  for (Index i = 0; i < 5000; ++i) {
    rows.ids.push_back(2 * i + 1);
    rows.identities.push_back(0);
    const float scale = static_cast<float>(1 << (i % 4));  // the same direction, exactly
    for (const float number : {3.0F, 4.0F}) rows.embeddings.push_back(scale * number);
  }
  const auto snapshot = GallerySnapshot(2).with(rows);
  Matrix query(1, 2);
  query(0, 0) = 1;
  const auto found = snapshot->nearest(Workers(2), query, 100);
  ASSERT_EQ(found[0].size(), 100U);
  for (Index j = 0; j < 100; ++j) {
    EXPECT_EQ(found[0][static_cast<std::size_t>(j)].id, 2 * j + 1);
    EXPECT_EQ(found[0][static_cast<std::size_t>(j)].score, 0.6);
  }
}

TEST(GallerySnapshot, GivesFewerWhereThereAreFewerAndZeroToRowsOfZeros) {
  const Rows rows{{1, 2, 3}, {0, 4, 4}, {0, 0, 1, 0, 0, -1}};
  const auto snapshot = GallerySnapshot(2).with(rows);
  Matrix queries(2, 2);
  queries(0, 0) = 1;
  const Workers workers(2);
  const auto found = snapshot->nearest(workers, queries, 10);
  ASSERT_EQ(found[0].size(), 3U);
  EXPECT_EQ(found[0][0].id, 2);
  EXPECT_EQ(found[0][1].id, 1);
  EXPECT_EQ(found[0][1].score, 0);
  EXPECT_EQ(found[0][2].id, 3);
  ASSERT_EQ(found[1].size(), 3U);  // of a query of zeros
  EXPECT_EQ(found[1][0].score, 0);
  const std::vector<Index> own{4, 4};
  EXPECT_TRUE(snapshot->nearest(workers, queries, 10, GalleryAmong::others, own)[0].empty());
  EXPECT_TRUE(GallerySnapshot(2).nearest(workers, queries, 10)[1].empty());
}

TEST(GallerySnapshot, RefusesQueriesOfAnotherLengthAndNoNumbers) {
  const auto snapshot = GallerySnapshot(2).with({{1}, {0}, {1, 0}});
  const Workers workers(1);
  EXPECT_EQ(test::error_of([&] { snapshot->nearest(workers, Matrix(1, 3), 1); }, ErrorKind::data),
            "queries of 3 numbers; the gallery's embeddings have 2");
  Matrix bad(1, 2);
  bad(0, 1) = std::nanf("");
  test::error_of([&] { snapshot->nearest(workers, bad, 1); }, ErrorKind::data);
}

TEST(GallerySnapshot, ChangesWithoutChangingWhatOthersHold) {
  const auto first = GallerySnapshot(3).with(random_rows(0, 4100, 3));
  const auto second = first->with(random_rows(4100, 5000, 3));
  const std::vector<Index> removed{1, 4097, 9100};
  const auto third = second->without(removed);
  EXPECT_EQ(first->size(), 4100);
  EXPECT_EQ(second->size(), 9100);
  ASSERT_EQ(third->size(), 9097);
  Index id = 0;
  for (Index place = 0; place < third->size(); ++place) {
    do {
      ++id;
    } while (std::ranges::binary_search(removed, id));
    ASSERT_EQ(third->id(place), id);
    const std::vector<float> row = test::random_embedding(id - 1, 3);
    ASSERT_TRUE(std::equal(row.begin(), row.end(), third->embedding(place)));
    ASSERT_EQ(third->identity(place), (id - 1) % 7);
  }
  EXPECT_EQ(second->id(9099), 9100);
  EXPECT_EQ(third->without({})->size(), 9097);
}

}  // namespace
}  // namespace kindred
