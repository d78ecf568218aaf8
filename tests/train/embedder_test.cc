#include "kindred/train/embedder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "support/error_of.h"
#include "train/small_run.h"

namespace kindred {
namespace {

/// A model trained for two steps on 8 x 8 bytes, and the data it was trained on.
class EmbedderOfSamples : public testing::Test {
 protected:
  EmbedderOfSamples() {
    run_.run("run", run_.recipe(std::string(test::kConv4) + test::kSoftmax, 2), 1);
    model_ = read_model(run_.path("run") + "/model.kindred");
  }

  test::SmallRun run_;
  Model model_;
  Workers workers_{3};
};

// 22 samples: five whole slices of four and a half one.
TEST_F(EmbedderOfSamples, GivesTheBitsOfTheSameSamplesInADataSet) {
  const Dataset dataset = Dataset::open(run_.path("data.h5"));
  std::vector<Index> samples(22);
  std::iota(samples.begin(), samples.end(), 30);
  std::vector<std::byte> raw(static_cast<std::size_t>(22 * dataset.sample_bytes()));
  dataset.read(samples, raw.data());
  Embedder embedder(model_, workers_);
  for (const bool flip : {false, true}) {
    const Matrix expected = embedder.embed(dataset, samples, flip);
    const Matrix found = embedder.embed_samples(raw, flip);
    ASSERT_EQ(found.rows(), 22);
    ASSERT_EQ(found.cols(), 8);
    for (Index i = 0; i < found.rows(); ++i) {
      EXPECT_EQ(std::memcmp(found.row(i), expected.row(i), 8 * sizeof(float)), 0) << i;
    }
  }
}

TEST_F(EmbedderOfSamples, TakesNoneAndRefusesAPartOfOne) {
  Embedder embedder(model_, workers_);
  const std::vector<std::byte> raw(65);
  EXPECT_EQ(embedder.embed_samples({}).rows(), 0);
  const std::string message = test::error_of([&] { embedder.embed_samples(raw); }, ErrorKind::data);
  EXPECT_EQ(message,
            "embed_samples: 65 bytes are no whole number of samples; the network was trained on "
            "8 x 8 x 1 bytes, 64 bytes a sample");
}

}  // namespace
}  // namespace kindred
