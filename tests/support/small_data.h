#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kindred/core/random.h"
#include "kindred/data/hdf5_file.h"

namespace kindred::test {

/// What a small made-up data set is like. Each class is a random pattern, each sample its pattern
/// with noise, so that there is something to learn.
struct SmallData {
  Index classes = 12;
  Index samples_per_class = 6;
  Index side = 8;
  Index channels = 1;
  Index targets = 3;       ///< columns of /targets
  Index test_classes = 0;  ///< the last so many classes are split 2
  Hdf5Storage storage = {};
};

struct SmallSamples {
  std::vector<std::uint8_t> images;
  std::vector<std::int64_t> labels;
  std::vector<std::uint8_t> split;
  std::vector<float> targets;
};

inline SmallSamples small_samples(const SmallData& what = {}) {
  const Index size = what.side * what.side * what.channels;
  const Index count = what.classes * what.samples_per_class;
  SmallSamples samples;
  for (Index i = 0; i < count; ++i) {
    const Index label = i / what.samples_per_class;
    Random pattern(1, Purpose::test, static_cast<std::uint64_t>(label));
    Random noise(2, Purpose::test, static_cast<std::uint64_t>(i));
    for (Index j = 0; j < size; ++j) {
      samples.images.push_back(static_cast<std::uint8_t>(pattern.below(200) + noise.below(50)));
    }
    samples.labels.push_back(label);
    samples.split.push_back(label >= what.classes - what.test_classes ? 2 : 0);
    for (Index j = 0; j < what.targets; ++j) {
      samples.targets.push_back(static_cast<float>(pattern.below(2)));
    }
  }
  return samples;
}

inline void write_small_data(const std::string& path, const SmallData& what = {}) {
  const SmallSamples samples = small_samples(what);
  const auto count = static_cast<Index>(samples.labels.size());
  Hdf5Writer writer(path);
  writer.write<std::uint8_t>("images", {count, what.side, what.side, what.channels}, samples.images,
                             what.storage);
  writer.write<std::int64_t>("labels", {count}, samples.labels);
  writer.write<std::uint8_t>("split", {count}, samples.split);
  if (what.targets > 0) writer.write<float>("targets", {count, what.targets}, samples.targets);
  writer.finish();
}

}  // namespace kindred::test
