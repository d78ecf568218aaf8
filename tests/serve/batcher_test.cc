#include "serve/batcher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <future>
#include <mutex>

#include "kindred/core/error.h"

namespace kindred::serve {
namespace {

// Pictures are texts; a sample is their two first bytes, an embedding those as numbers.
std::vector<std::uint8_t> decode_text(const PictureFile& file, ServedPicture& picture) {
  if (file.bytes == "crash") throw std::runtime_error("the decoder is gone");
  if (file.bytes.size() < 2) {
    picture.error = file.name + ": is no picture";
    return {};
  }
  return {static_cast<std::uint8_t>(file.bytes[0]), static_cast<std::uint8_t>(file.bytes[1])};
}

Matrix embed_bytes(std::span<const std::byte> samples) {
  Matrix embeddings(static_cast<Index>(samples.size() / 2), 2);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    embeddings.row(static_cast<Index>(i / 2))[i % 2] = static_cast<float>(samples[i]);
  }
  return embeddings;
}

BatchSettings settings_of(Index slice, Index slices, double wait_seconds) {
  BatchSettings settings;
  settings.sample_bytes = 2;
  settings.slice = slice;
  settings.slices = slices;
  settings.wait_seconds = wait_seconds;
  settings.decoders = 2;
  return settings;
}

std::vector<PictureFile> files_of(const std::vector<std::string>& texts) {
  std::vector<PictureFile> files;
  for (const std::string& text : texts) files.push_back({"name", text, false});
  return files;
}

TEST(Batcher, GivesEachPictureItsOwn) {
  Batcher batcher(settings_of(4, 2, 0), decode_text, embed_bytes);
  const std::vector<std::string> texts = {"ab", "x", "cd"};
  const auto pictures = batcher.embed(files_of(texts));
  ASSERT_EQ(pictures.size(), 3U);
  EXPECT_EQ(pictures[0].embedding, (std::vector<float>{'a', 'b'}));
  EXPECT_EQ(pictures[1].error, "name: is no picture");
  EXPECT_TRUE(pictures[1].embedding.empty());
  EXPECT_EQ(pictures[2].embedding, (std::vector<float>{'c', 'd'}));
  EXPECT_EQ(batcher.pending(), 0);
}

TEST(Batcher, PutsPicturesOfARequestTogether) {
  std::mutex mutex;
  std::vector<Index> batches;
  const auto tell = [&](Index pictures) {
    const std::lock_guard lock(mutex);
    batches.push_back(pictures);
  };
  // A minute: what is under way is waited for.
  Batcher batcher(settings_of(4, 2, 60), decode_text, embed_bytes, tell);
  batcher.embed(files_of(std::vector<std::string>(8, "ab")));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(batches, std::vector<Index>{8});
}

TEST(Batcher, TakesWholeSlicesFirst) {
  std::mutex mutex;
  std::vector<Index> batches;
  const auto tell = [&](Index pictures) {
    const std::lock_guard lock(mutex);
    batches.push_back(pictures);
  };
  Batcher batcher(settings_of(4, 3, 60), decode_text, embed_bytes, tell);
  batcher.embed(files_of(std::vector<std::string>(6, "ab")));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(batches, (std::vector<Index>{4, 2}));
}

TEST(Batcher, DoesNotWaitForWhatIsNotUnderWay) {
  Batcher batcher(settings_of(64, 2, 3600), decode_text, embed_bytes);
  EXPECT_EQ(batcher.embed(files_of({"ab"})).size(), 1U);  // an hour otherwise
}

TEST(Batcher, ServesManyAtOnce) {
  Batcher batcher(settings_of(4, 2, 1e-3), decode_text, embed_bytes);
  std::vector<std::future<bool>> all;
  for (int caller = 0; caller < 16; ++caller) {
    all.push_back(std::async(std::launch::async, [&batcher, caller] {
      for (int round = 0; round < 50; ++round) {
        const std::string text = {static_cast<char>(caller + 1), static_cast<char>(round + 1)};
        const std::vector<std::string> texts = {text, "x", text};
        const auto pictures = batcher.embed(files_of(texts));
        const std::vector<float> wanted = {static_cast<float>(caller + 1),
                                           static_cast<float>(round + 1)};
        if (pictures[0].embedding != wanted || pictures[2].embedding != wanted) return false;
      }
      return true;
    }));
  }
  for (auto& one : all) EXPECT_TRUE(one.get());
}

TEST(Batcher, TellsWhoAskedOfFailures) {
  Batcher batcher(settings_of(4, 2, 0), decode_text, embed_bytes);
  EXPECT_THROW(batcher.embed(files_of({"ab", "crash"})), std::runtime_error);
  EXPECT_EQ(batcher.embed(files_of({"ab"})).size(), 1U);
  Batcher broken(settings_of(4, 2, 0), decode_text, [](std::span<const std::byte>) -> Matrix {
    fail(ErrorKind::system, "no memory");
  });
  EXPECT_THROW(broken.embed(files_of({"ab"})), Error);
  EXPECT_EQ(broken.pending(), 0);
}

}  // namespace
}  // namespace kindred::serve
