#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kindred/data/hdf5_file.h"

namespace kindred::test {

/// A data set to be written by a test: fields left empty are left out.
struct DataFile {
  Index height = 2, width = 2, channels = 1;
  std::vector<std::uint8_t> images = {};
  Index features = 2;
  std::vector<float> vectors = {};
  std::vector<std::int64_t> labels = {};
  std::vector<std::string> class_names = {};
  std::vector<std::uint8_t> split = {};
  std::vector<float> targets = {};  ///< [N, 1]
  Hdf5Storage storage = {};
};

/// `images` of `count` samples, every byte of sample i being i % 251.
inline std::vector<std::uint8_t> numbered_images(Index count, Index bytes) {
  std::vector<std::uint8_t> images(static_cast<std::size_t>(count * bytes));
  for (std::size_t i = 0; i < images.size(); ++i) {
    images[i] = static_cast<std::uint8_t>(i / static_cast<std::size_t>(bytes) % 251);
  }
  return images;
}

inline void write_data_file(const std::string& path, const DataFile& data) {
  Hdf5Writer writer(path);
  const auto rows = [](const auto& values) { return static_cast<Index>(values.size()); };
  if (!data.images.empty()) {
    const Index bytes = data.height * data.width * data.channels;
    writer.write<std::uint8_t>("images",
                               {rows(data.images) / bytes, data.height, data.width, data.channels},
                               data.images, data.storage);
  }
  if (!data.vectors.empty()) {
    writer.write<float>("vectors", {rows(data.vectors) / data.features, data.features},
                        data.vectors, data.storage);
  }
  if (!data.labels.empty()) {
    writer.write<std::int64_t>("labels", {rows(data.labels)}, data.labels);
  }
  if (!data.class_names.empty()) writer.write_strings("class_names", data.class_names);
  if (!data.split.empty()) writer.write<std::uint8_t>("split", {rows(data.split)}, data.split);
  if (!data.targets.empty()) {
    writer.write<float>("targets", {rows(data.targets), 1}, data.targets);
  }
  writer.finish();
}

}  // namespace kindred::test
