#include "kindred/train/picture_embedding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "data/image/image.h"
#include "kindred/data/import.h"
#include "train/runs/own_threshold.h"
#include "train/small_run.h"

namespace kindred {
namespace {

using test::expect_error;

/// Twelve classes of pictures of 11 x 14 pixels, in colour, each a pattern with noise.
void write_photos(const std::string& folder) {
  for (unsigned label = 0; label < 12; ++label) {
    const std::string place = folder + "/class" + std::to_string(label);
    std::filesystem::create_directories(place);
    for (unsigned i = 0; i < 6; ++i) {
      Random pattern(1, Purpose::test, label);
      Random noise(2, Purpose::test, label * 100 + i);
      Image image;
      image.shape = {.channels = 3, .height = 11, .width = 14};
      for (Index k = 0; k < image.shape.size(); ++k) {
        image.pixels.push_back(static_cast<std::uint8_t>(pattern.below(200) + noise.below(50)));
      }
      std::ofstream(place + "/" + std::to_string(i) + ".png", std::ios::binary)
          << encode_png(image);
    }
  }
}

/// A model trained for a few steps on such pictures, imported as squares of 8 x 8, grey.
class PictureEmbedding : public testing::Test {
 protected:
  PictureEmbedding() {
    write_photos(run_.path("photos"));
    const std::vector<std::string> sources{run_.path("photos")};
    std::filesystem::remove(run_.path("data.h5"));
    import_dataset(sources, run_.path("data.h5"),
                   {.size = {8, 8}, .crop_square = true, .colour = ImportColour::grey});
  }

  Model trained(const std::string& name = "run", const std::string& setting = "seed=1") {
    Recipe recipe = run_.recipe(std::string(test::kConv4) + test::kSoftmax, 8);
    recipe.set(setting);
    run_.run(name, std::move(recipe), 1);
    return read_model(run_.path(name) + "/model.kindred");
  }

  test::SmallRun run_;
  Workers workers_{2};
};

TEST_F(PictureEmbedding, GivesTheBitsOfAnImportThatIsEmbedded) {
  const Model model = trained();
  ASSERT_TRUE(model.preparation);
  EXPECT_EQ(*model.preparation, (Preparation{.crop_square = true, .grey = true, .size = {8, 8}}));
  EXPECT_EQ(assumption_of(model), "");
  const Embedder embedder(model, workers_);
  const Dataset dataset = Dataset::open(run_.path("data.h5"));
  std::vector<Index> samples(72);
  std::iota(samples.begin(), samples.end(), 0);
  const std::vector<std::string> sources{run_.path("photos")};
  std::ofstream(run_.path("photos/class3/broken.png")) << "no picture";
  for (const bool flip : {false, true}) {
    const Matrix expected = embedder.embed(dataset, samples, flip);
    const PictureEmbeddings found =
        embed_pictures(model, embedder, PictureList(sources), workers_, flip);
    ASSERT_EQ(found.file.embeddings.rows(), 72);
    EXPECT_EQ(found.file.paths, dataset.paths());
    EXPECT_TRUE(std::ranges::equal(found.file.labels, dataset.labels()));
    EXPECT_EQ(found.file.class_names, dataset.class_names());
    EXPECT_EQ(found.file.fingerprint, model.fingerprint);
    ASSERT_EQ(found.unreadable.size(), 1U);
    for (Index i = 0; i < 72; ++i) {
      EXPECT_EQ(std::memcmp(found.file.embeddings.row(i), expected.row(i), 8 * sizeof(float)), 0);
    }
  }
  expect_error(ErrorKind::data, "broken.png", [&] {
    embed_pictures(model, embedder, PictureList(sources), workers_, false, true);
  });
}

TEST_F(PictureEmbedding, SaysWhatIsAssumedOfOlderModelsAndRefusesVectors) {
  Model model = trained();
  model.preparation.reset();
  EXPECT_EQ(assumption_of(model),
            "the model does not say how its pictures were made; whole pictures are resized to "
            "8 x 8, grey");
  EXPECT_EQ(wishes_of(model).preparation, Preparation{});
  write_model(run_.path("older.kindred"), model);
  EXPECT_FALSE(read_model(run_.path("older.kindred")).preparation);
  model.element = Element::f32;
  expect_error(ErrorKind::data, "no pictures: give it a data set", [&] { wishes_of(model); });
}

TEST_F(PictureEmbedding, AModelKeepsTheThresholdOfItsValidationSamples) {
  EXPECT_FALSE(trained().threshold);  // without validation there is none
  const Model model = trained("validated", "data.validation_classes=6");
  ASSERT_TRUE(model.threshold);
  write_model(run_.path("copy.kindred"), model);
  EXPECT_EQ(read_model(run_.path("copy.kindred")).threshold, model.threshold);
}

// A hundredth of the pairs of different classes lies above it, as counting them says.
TEST(OwnThreshold, AcceptsOneDifferentPairInAHundred) {
  constexpr Index kSamples = 60;
  Matrix rows(kSamples, 3);
  SampleColumns columns;
  std::vector<Index> samples;
  std::vector<float> values;
  Random random(5, Purpose::test, 0);
  for (Index i = 0; i < kSamples; ++i) {
    for (Index j = 0; j < 3; ++j) {
      rows(i, j) = static_cast<float>(random.below(2001)) / 1000.0F - 1.0F;
      values.push_back(rows(i, j));
    }
    columns.labels.push_back(i / 6);
    samples.push_back(i);
  }
  const Dataset dataset = Dataset::from_source(samples_in_memory(values, {.channels = 3}), columns);
  const Workers workers(2);
  const auto threshold = own_threshold(rows.view(), dataset, samples, workers);
  ASSERT_TRUE(threshold);
  Index above = 0;
  Index pairs = 0;
  for (Index a = 0; a < kSamples; ++a) {
    for (Index b = a + 1; b < kSamples; ++b) {
      if (a / 6 == b / 6) continue;
      ++pairs;
      double dot = 0;
      double left = 0;
      double right = 0;
      for (Index j = 0; j < 3; ++j) {
        dot += static_cast<double>(rows(a, j)) * rows(b, j);
        left += static_cast<double>(rows(a, j)) * rows(a, j);
        right += static_cast<double>(rows(b, j)) * rows(b, j);
      }
      if (dot / std::sqrt(left * right) > *threshold) ++above;
    }
  }
  EXPECT_EQ(above, pairs / 100);
  // Too few pairs to speak of one in a hundred.
  EXPECT_FALSE(
      own_threshold(rows.view().rows_from(0, 12), dataset, std::span(samples).first(12), workers));
}

}  // namespace
}  // namespace kindred
