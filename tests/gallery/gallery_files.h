#pragma once
#include <sys/stat.h>

#include <string>
#include <vector>

#include "kindred/core/random.h"
#include "kindred/gallery/gallery.h"
#include "support/temp_folder.h"
#include "train/small_run.h"

namespace kindred::test {

/// A model of 8 x 8 bytes with embeddings of 8 numbers; trained once for all tests of a process.
inline const std::string& small_model() {
  static const SmallRun run;
  static const std::string path = [] {
    run.run("run", run.recipe(std::string(kMlp) + kSoftmax, 1), 1);
    return run.path("run") + "/model.kindred";
  }();
  return path;
}

/// 64 digits that belong to a number.
inline std::string digest_of(Index number) {
  std::string digits = std::to_string(number);
  return std::string(64 - digits.size(), '0') + digits;
}

inline NewGalleryPicture picture(Index number, const std::string& identity,
                                 std::vector<float> embedding) {
  NewGalleryPicture made;
  made.path = "photos/" + std::to_string(number) + ".jpg";
  made.digest = digest_of(number);
  made.height = 10;
  made.width = 20;
  made.identity = identity;
  made.thumbnail = "thumbnail " + std::to_string(number);
  made.embedding = std::move(embedding);
  return made;
}

/// Eight random numbers, the same for the same number.
inline std::vector<float> random_embedding(Index number, Index dimension = 8) {
  Random random(3, Purpose::test, static_cast<std::uint64_t>(number));
  std::vector<float> numbers;
  for (Index k = 0; k < dimension; ++k) {
    numbers.push_back(static_cast<float>(random.below(2000)) / 1000.0F - 1.0F);
  }
  return numbers;
}

/// `count` pictures from number `first` on; every third has no identity.
inline std::vector<NewGalleryPicture> some_pictures(Index first, Index count) {
  std::vector<NewGalleryPicture> pictures;
  for (Index i = first; i < first + count; ++i) {
    const std::string identity = i % 3 == 2 ? "" : "person " + std::to_string(i % 5);
    pictures.push_back(picture(i, identity, random_embedding(i)));
  }
  return pictures;
}

inline mode_t rights_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 07777;
}

inline std::string bytes_of_file(const std::string& path) {
  const std::vector<std::byte> bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace kindred::test
