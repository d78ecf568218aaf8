#include "kindred/data/reader.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "support/data_files.h"
#include "support/little_memory.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;
using test::numbered_images;
using test::TempFolder;
using test::write_data_file;

struct Material {
  explicit Material(const TempFolder& folder, bool streamed = false)
      : dataset(open(folder, streamed)),
        set(make_training_set(dataset, {.quarter_turns = true}, 1)) {
    Recipe recipe = Recipe::from_text("name = \"shuffle\"\nbatch = 16", "recipe.toml");
    sampler = read_sampler(recipe.root(), set, 1);
  }
  static Dataset open(const TempFolder& folder, bool streamed) {
    std::vector<std::int64_t> labels(100);
    std::vector<float> targets(100);
    for (std::size_t i = 0; i < 100; ++i) {
      labels[i] = static_cast<std::int64_t>(i % 10);
      targets[i] = static_cast<float>(i) / 2;
    }
    write_data_file(folder / "a.h5", {.images = numbered_images(100, 4),
                                      .labels = labels,
                                      .targets = targets,
                                      .storage = {.chunk = {9, 2, 2, 1}, .gzip = 1}});
    return streamed ? Dataset::stream(folder / "a.h5") : Dataset::open(folder / "a.h5");
  }
  Dataset dataset;
  TrainingSet set;
  std::unique_ptr<Sampler> sampler;
};

void expect_batch(const Material& material, const Batch& batch, Index step) {
  EXPECT_EQ(batch.step, step);
  std::vector<Index> entries(16);
  material.sampler->draw(step, entries);
  EXPECT_EQ(batch.entries, entries);
  for (std::size_t i = 0; i < 16; ++i) {
    const TrainingSet::Entry& entry = material.set.entries[static_cast<std::size_t>(entries[i])];
    EXPECT_EQ(batch.labels[i], entry.label);
    EXPECT_EQ(batch.turns[i], entry.turns);
    EXPECT_EQ(batch.samples[static_cast<Index>(4 * i + 3)], static_cast<std::byte>(entry.sample));
    EXPECT_EQ(batch.targets(static_cast<Index>(i), 0), static_cast<float>(entry.sample) / 2);
  }
}

// Those that had started already ended the process (134).
TEST(ReaderDeathTest, AThreadThatCannotBeStartedIsAnError) {
  const TempFolder folder;
  const Material own(folder);
  test::expect_refusal(
      Index{100} << 20, [&] { Reader(own.dataset, own.set, *own.sampler, 0, 3, 256); },
      "refuses 1 more thread: .*--threads");
}

TEST(Reader, BatchesComeInOrderFromAnyStep) {
  const TempFolder folder;
  for (const bool streamed : {false, true}) {
    const Material material(folder);
    const Material own(folder, streamed);  // the reader's sampler is the reader's alone
    for (const Index first : {0, 33}) {
      for (const Index ahead : {1, 3, 8}) {
        for (const int threads : {1, 2, 5}) {
          Reader reader(own.dataset, own.set, *own.sampler, first, ahead, threads);
          for (Index step = first; step < first + 40; ++step) {
            expect_batch(material, reader.next(), step);
          }
        }
      }
    }
  }
}

TEST(Reader, ABatchStaysAsItIsUntilTheNextIsAsked) {
  const TempFolder folder;
  const Material material(folder);
  Reader reader(material.dataset, material.set, *material.sampler, 0, 1);
  for (int step = 0; step < 20; ++step) {
    const Batch& batch = reader.next();
    const std::vector<Index> entries = batch.entries;
    std::this_thread::yield();
    EXPECT_EQ(batch.entries, entries);
    EXPECT_EQ(batch.step, step);
  }
}

TEST(Reader, BuffersAreReused) {
  const TempFolder folder;
  const Material material(folder);
  Reader reader(material.dataset, material.set, *material.sampler, 0, 2);
  std::set<const std::byte*> buffers;
  for (int step = 0; step < 20; ++step) buffers.insert(reader.next().samples.data());
  EXPECT_EQ(buffers.size(), 3U);
}

TEST(Reader, StopsAtAnyMoment) {
  const TempFolder folder;
  const Material material(folder);
  for (int taken = 0; taken < 8; ++taken) {
    for (int repeat = 0; repeat < 6; ++repeat) {
      Reader reader(material.dataset, material.set, *material.sampler, 0, 2, 1 + repeat % 3);
      for (int i = 0; i < taken; ++i) reader.next();
    }
  }
}

// Draws well three times, then fails.
class FailingSampler : public Sampler {
 public:
  Index batch() const override { return 4; }
  void draw(Index step, std::span<Index> entries) override {
    if (step == 3) fail(ErrorKind::io, "the disk is gone");
    for (Index& entry : entries) entry = step;
  }
};

TEST(Reader, AFailureWhileReadingComesOutOfNext) {
  const TempFolder folder;
  const Material material(folder);
  for (const int threads : {1, 3}) {
    FailingSampler sampler;
    Reader reader(material.dataset, material.set, sampler, 0, 2, threads);
    for (Index step = 0; step < 3; ++step) EXPECT_EQ(reader.next().entries[3], step);
    expect_error(ErrorKind::io, "the disk is gone", [&] { reader.next(); });
    expect_error(ErrorKind::io, "the disk is gone", [&] { reader.next(); });
  }
}

}  // namespace
}  // namespace kindred
