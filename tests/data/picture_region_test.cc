#include "kindred/data/picture_region.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>
#include <fstream>
#include <limits>

#include "data/image/image_region.h"
#include "kindred/core/random.h"
#include "kindred/data/picture_regions.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;

double uniform(Random& random, double low, double high) {
  return low + (high - low) * (static_cast<double>(random.below(1 << 20)) / (1 << 20));
}

TEST(PictureRegion, SimilarityAgreesWithUmeyama) {
  double worst = 0;
  for (std::uint64_t set = 0; set < 1000; ++set) {
    Random random(7, Purpose::test, set);
    FiveLandmarks source;
    FiveLandmarks target;
    const double angle = uniform(random, -3, 3);
    const double scale = uniform(random, 0.2, 3);
    Eigen::MatrixXd from(2, 5);
    Eigen::MatrixXd to(2, 5);
    for (std::size_t i = 0; i < 5; ++i) {
      source[i] = {uniform(random, 0, 300), uniform(random, 0, 300)};
      // Near a similarity, so that the best one does not mirror.
      target[i] = {scale * (std::cos(angle) * source[i].x - std::sin(angle) * source[i].y) +
                       uniform(random, -20, 20),
                   scale * (std::sin(angle) * source[i].x + std::cos(angle) * source[i].y) +
                       uniform(random, -20, 20)};
      const auto column = static_cast<Eigen::Index>(i);
      from.col(column) << source[i].x, source[i].y;
      to.col(column) << target[i].x, target[i].y;
    }
    const Eigen::MatrixXd expected = Eigen::umeyama(from, to, true);
    const auto found = estimate_similarity(source, target);
    ASSERT_TRUE(found);
    for (const PicturePoint& point : source) {
      const Eigen::Vector3d moved = expected * Eigen::Vector3d(point.x, point.y, 1);
      const PicturePoint own = (*found)(point);
      worst = std::max({worst, std::abs(own.x - moved.x()), std::abs(own.y - moved.y())});
    }
  }
  EXPECT_LE(worst, 1e-3);  // pixels
}

TEST(PictureRegion, TellsWherePointsTellOfNothing) {
  FiveLandmarks same;
  same.fill({20, 30});
  EXPECT_FALSE(estimate_similarity(same, kFaceTemplate));
  EXPECT_FALSE(estimate_similarity(kFaceTemplate, same));
  FiveLandmarks broken = kFaceTemplate;
  broken[2].x = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(estimate_similarity(broken, kFaceTemplate));
  broken[2].x = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(estimate_similarity(broken, kFaceTemplate));
  const auto self = estimate_similarity(kFaceTemplate, kFaceTemplate);
  ASSERT_TRUE(self);
  EXPECT_NEAR(self->scale_cos, 1, 1e-12);
  EXPECT_NEAR(self->scale_sin, 0, 1e-12);
}

Image gradient(Index height, Index width) {
  Image image;
  image.shape = {.channels = 1, .height = height, .width = width};
  for (Index y = 0; y < height; ++y) {
    for (Index x = 0; x < width; ++x) image.pixels.push_back(static_cast<std::uint8_t>(y + x));
  }
  return image;
}

TEST(PictureRegion, CutsBoxesAsFarAsTheyLieInThePicture) {
  const Image image = gradient(10, 12);
  const Image piece = cut_out(image, {PictureBox{2, 3, 4, 2}, {}}, "a.png");
  EXPECT_EQ(piece.shape, (Shape{.channels = 1, .height = 2, .width = 4}));
  EXPECT_EQ(piece.pixels, (std::vector<std::uint8_t>{5, 6, 7, 8, 6, 7, 8, 9}));
  const Image over = cut_out(image, {PictureBox{-5, 8, 7, 99}, {}}, "a.png");
  EXPECT_EQ(over.shape, (Shape{.channels = 1, .height = 2, .width = 2}));
  EXPECT_EQ(over.pixels, (std::vector<std::uint8_t>{8, 9, 9, 10}));
  for (const PictureBox& box : {PictureBox{12, 0, 4, 4}, PictureBox{0, 0, 0.2, 4},
                                PictureBox{1e300, 0, 1e300, 4}, PictureBox{0, NAN, 3, 3}}) {
    expect_error(ErrorKind::data, "a.png: its box x", [&] { cut_out(image, {box, {}}, "a.png"); });
  }
}

TEST(PictureRegion, TurnsAFaceToTheTemplate) {
  // Where the landmarks are the template's, moved by whole pixels, the face is a piece.
  FiveLandmarks points = kFaceTemplate;
  for (PicturePoint& point : points) {
    point.x += 5;
    point.y += 3;
  }
  const Image face = cut_out(gradient(125, 125), {{}, points}, "a.png");
  ASSERT_EQ(face.shape, (Shape{.channels = 1, .height = 112, .width = 112}));
  for (Index y = 0; y < 112; ++y) {
    for (Index x = 0; x < 112; ++x) {
      ASSERT_EQ(face.pixels[static_cast<std::size_t>(y * 112 + x)], y + x + 8) << y << ' ' << x;
    }
  }
  // Twice as large and turned by half a turn: what was at its end is at the beginning; black where
  // the picture ends.
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i] = {230 - 2 * kFaceTemplate[i].x, 230 - 2 * kFaceTemplate[i].y};
  }
  Image large = gradient(240, 240);
  std::fill(large.pixels.begin(), large.pixels.begin() + 240 * 120, std::uint8_t{200});
  std::fill(large.pixels.begin() + 240 * 120, large.pixels.end(), std::uint8_t{50});
  const Image turned = cut_out(large, {{}, points}, "a.png");
  EXPECT_EQ(turned.pixels[112 * 20 + 50], 50);
  EXPECT_EQ(turned.pixels[112 * 90 + 50], 200);
  FiveLandmarks away = kFaceTemplate;
  for (PicturePoint& point : away) point.x += 5000;
  const Image black = cut_out(large, {{}, away}, "a.png");
  EXPECT_EQ(*std::max_element(black.pixels.begin(), black.pixels.end()), 0);
}

std::string written(const TempFolder& folder, const std::string& text) {
  std::ofstream(folder / "regions.csv") << text;
  return folder / "regions.csv";
}

TEST(PictureRegions, ReadBoxesInAnyOrderOfColumns) {
  const TempFolder folder;
  PictureRegions plain =
      PictureRegions::read_boxes(written(folder, "a/1.jpg,1,2,30,40\nb.png,5,6,7,8\n"));
  EXPECT_EQ(plain.size(), 2);
  const auto region = plain.find("photos/a/1.jpg");
  ASSERT_TRUE(region && region->box);
  EXPECT_EQ(region->box->width, 30);
  EXPECT_EQ(region->box->height, 40);
  EXPECT_FALSE(plain.find("c.png"));
  PictureRegions corners =
      PictureRegions::read_boxes(written(folder, "xmin;ymin;xmax;ymax;file\n10;20;15;40;a.jpg\n"));
  const auto corner = corners.find("a.jpg");
  ASSERT_TRUE(corner && corner->box);
  EXPECT_EQ(corner->box->x, 10);
  EXPECT_EQ(corner->box->width, 5);
  EXPECT_EQ(corner->box->height, 20);
}

TEST(PictureRegions, NameTheLineThatIsWrong) {
  const TempFolder folder;
  const auto boxes = [&](const std::string& text) {
    return [&folder, text] { PictureRegions::read_boxes(written(folder, text)); };
  };
  expect_error(ErrorKind::data, "'a.jpg' comes twice", boxes("a.jpg,1,2,3,4\na.jpg,1,2,3,4\n"));
  expect_error(ErrorKind::data, "gives 3 numbers beside the path; 4 are expected",
               boxes("a.jpg,1,2,3\n"));
  expect_error(ErrorKind::data, "line 1: has 6 fields, most lines have 5",
               boxes("file,a,x,y,w,h\na.jpg,1,2,3,4\nb.jpg,1,2,3,4\n"));
  expect_error(ErrorKind::data, "line 2", boxes("a.jpg,1,2,3,4\nb.jpg,1,2,x,4\n"));
  expect_error(ErrorKind::data, "is a box -3 wide", boxes("a.jpg,1,2,-3,4\n"));
  expect_error(ErrorKind::data, "'nan' is no place in a picture", boxes("a.jpg,nan,2,3,4\n"));
  expect_error(ErrorKind::data, "'1e30' is no place", boxes("a.jpg,1,2,1e30,4\n"));
  expect_error(ErrorKind::data, "tell of no face", [&] {
    PictureRegions::read_landmarks(written(folder, "a.jpg,1,1,1,1,1,1,1,1,1,1\n"));
  });
}

}  // namespace
}  // namespace kindred
