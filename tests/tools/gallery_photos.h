#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kindred/core/random.h"
#include "tools/program.h"

namespace kindred::test {

constexpr int kPhotoClasses = 8;
constexpr int kPhotosOfClass = 4;

/// A class's picture: its stripes, with noise.
inline std::string noisy_stripes(int of_class, int number) {
  std::string text = "P5 16 16 255\n";
  Random random(5, Purpose::test, static_cast<std::uint64_t>(100 * of_class + number));
  for (int i = 0; i < 256; ++i) {
    const int bright = ((i % 16 + 3 * (i / 16)) >> (of_class % 4)) % 2;
    text +=
        static_cast<char>(bright * 120 + (of_class / 4) * 60 + static_cast<int>(random.below(60)));
  }
  return text;
}

inline void write_file_at(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

/// Photos in class folders and a model that was trained on them, once for all tests.
class TrainedPhotos {
 public:
  TrainedPhotos() {
    for (int c = 0; c < kPhotoClasses; ++c) {
      for (int i = 0; i < kPhotosOfClass; ++i) {
        write_file_at(
            folder_ / ("photos/class" + std::to_string(c) + "/" + std::to_string(i) + ".pgm"),
            noisy_stripes(c, i));
      }
      write_file_at(folder_ / ("new/" + std::to_string(c) + ".pgm"), noisy_stripes(c, 50));
    }
    write_file_at(
        folder_ / "recipe.toml",
        "[data]\nfile = 'data.h5'\n[sampler]\nclasses = 4\nsamples_per_class = 4\n[model]\n"
        "architecture = 'mlp'\nhidden = [16]\nembedding = 8\nslice = 8\n[[loss]]\nname = "
        "'softmax'\n[train]\nepochs = 1\nsteps = 30\n");
    must("import " + (*this)["photos"] + " " + (*this)["data.h5"]);
    must("train " + (*this)["recipe.toml"] + " --out " + (*this)["run"]);
    must("train " + (*this)["recipe.toml"] + " --out " + (*this)["other"] + " --set seed=2");
    write_file_at(folder_ / "broken.jpg", "no picture");
    must("gallery new " + (*this)["g.db"] + " " + model() + " " + (*this)["photos"]);
    std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
  }
  std::string operator[](const std::string& name) const { return folder_ / name; }
  std::string model() const { return (*this)["run/model.kindred"]; }

 private:
  static void must(const std::string& arguments) {
    const Outcome outcome = kindred(arguments + " --quiet");
    ASSERT_EQ(outcome.code, 0) << arguments << "\n" << outcome.err;
  }
  TempFolder folder_;
};

class GalleryCommandsTest : public testing::Test {
 protected:
  GalleryCommandsTest() { std::filesystem::copy_file(photos()["g.db"], own_); }

  static const TrainedPhotos& photos() {
    static const TrainedPhotos made;
    return made;
  }
  /// Of a command that has to go well.
  static nlohmann::json json(const std::string& arguments) {
    const Outcome outcome = kindred(arguments + " --json -");
    EXPECT_EQ(outcome.code, 0) << arguments << "\n" << outcome.err;
    return nlohmann::json::parse(outcome.out, nullptr, false);
  }
  static void expect_failure(const std::string& arguments, int code, const std::string& message,
                             const std::string& before = "") {
    const Outcome outcome = kindred(arguments, before);
    EXPECT_EQ(outcome.code, code) << arguments << "\n" << outcome.err;
    EXPECT_TRUE(contains(outcome.err, message)) << arguments << "\n" << outcome.err;
  }

  TempFolder folder_;
  std::string own_ = folder_ / "own.db";
  const std::string model_ = photos().model();
};

}  // namespace kindred::test
