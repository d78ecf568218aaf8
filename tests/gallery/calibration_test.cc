#include "kindred/gallery/calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "gallery/gallery_files.h"
#include "support/error_of.h"

namespace kindred {
namespace {

/// Unit rows in the plane at these angles, in degrees.
std::shared_ptr<const GallerySnapshot> at_angles(const std::vector<double>& degrees,
                                                 const std::vector<Index>& identities) {
  GallerySnapshot::Rows rows;
  for (std::size_t i = 0; i < degrees.size(); ++i) {
    rows.ids.push_back(static_cast<Index>(i) + 1);
    rows.identities.push_back(identities[i]);
    const double angle = degrees[i] * std::acos(-1.0) / 180;
    rows.embeddings.push_back(static_cast<float>(std::cos(angle)));
    rows.embeddings.push_back(static_cast<float>(std::sin(angle)));
  }
  return GallerySnapshot(2).with(rows);
}

double cosine_of(double degrees) { return std::cos(degrees * std::acos(-1.0) / 180); }

// Pictures at 0 and 10 degrees of one, 40 and 70 of another, 160 of a third; 5 is nobody's.
// Best scores with others: 40, 30, 30, 60, 90 degrees apart. By centroids at 5, 55 and 160: 55, 45,
// 35, 65, 105. Pairs of two: 40, 70, 160, 30, 60, 150, 120, 90.
TEST(Calibration, LeavesEachPicturesOwnIdentityOut) {
  const auto snapshot = at_angles({0, 10, 5, 40, 70, 160}, {1, 1, 0, 2, 2, 3});
  const Workers workers(2);
  const Calibration half = calibrate(workers, *snapshot, 0.5);
  EXPECT_EQ(half.pictures, 5);
  EXPECT_EQ(half.identities, 3);
  // floor(0.5 · 5) = 2 may be accepted: those at 30 degrees; the next, at 40, may not.
  EXPECT_EQ(half.identify.trials, 5);
  EXPECT_EQ(half.identify.accepted, 2);
  EXPECT_EQ(half.identify.needed, 6);
  EXPECT_FALSE(half.identify.enough());
  EXPECT_NEAR(half.identify.threshold, cosine_of(40), 1e-6);
  EXPECT_EQ(half.identify_centroid.accepted, 2);  // at 35 and 45
  EXPECT_NEAR(half.identify_centroid.threshold, cosine_of(55), 1e-6);
  EXPECT_EQ(half.compare.trials, 8);
  EXPECT_TRUE(half.compare.enough());
  EXPECT_EQ(half.compare.accepted, 4);  // 30, 40, 60, 70
  EXPECT_NEAR(half.compare.threshold, cosine_of(90), 1e-6);
  const Calibration few = calibrate(workers, *snapshot, 0.1);
  EXPECT_EQ(few.identify.accepted, 0);
  EXPECT_EQ(few.identify.needed, 30);
  EXPECT_GT(few.identify.threshold, cosine_of(30) - 1e-6);
  EXPECT_EQ(few.thresholds().far, 0.1);
  EXPECT_EQ(few.thresholds().compare, few.compare.threshold);
}

// Two pictures are as near as the one that may not be accepted: neither is.
TEST(Calibration, AcceptsNoneOfTheTiedThatAreTooMany) {
  const auto snapshot = at_angles({0, 90, 180, 270}, {1, 2, 3, 4});
  const Calibration result = calibrate(Workers(1), *snapshot, 0.5);
  EXPECT_EQ(result.identify.accepted, 0);
}

TEST(Calibration, IsTheSameForAnyNumberOfThreads) {
  GallerySnapshot::Rows rows;
  for (Index i = 0; i < 500; ++i) {
    rows.ids.push_back(i + 1);
    rows.identities.push_back(1 + i / 5);
    const std::vector<float> row = test::random_embedding(i);
    rows.embeddings.insert(rows.embeddings.end(), row.begin(), row.end());
  }
  const auto snapshot = GallerySnapshot(8).with(rows);
  const Calibration one = calibrate(Workers(1), *snapshot, 0.05);
  const Calibration three = calibrate(Workers(3), *snapshot, 0.05);
  EXPECT_EQ(one.identify.threshold, three.identify.threshold);
  EXPECT_EQ(one.identify_centroid.threshold, three.identify_centroid.threshold);
  EXPECT_EQ(one.compare.threshold, three.compare.threshold);
  EXPECT_EQ(one.identify.accepted, 24);  // of 25; pictures 25 and 26 are each other's nearest
  EXPECT_EQ(one.compare.trials, 500 * 499 / 2 - 100 * 10);
}

TEST(Calibration, AsksForTwoIdentitiesAndARate) {
  const auto snapshot = at_angles({0, 10, 20}, {1, 1, 0});
  const Workers workers(1);
  EXPECT_NE(test::error_of([&] { calibrate(workers, *snapshot, 0.1); }, ErrorKind::data)
                .find("the gallery has 1 (of 2 pictures with a name)"),
            std::string::npos);
  for (const double rate : {0.0, 1.0, std::nan("")}) {
    test::error_of([&] { calibrate(workers, *snapshot, rate); }, ErrorKind::usage);
  }
}

}  // namespace
}  // namespace kindred
