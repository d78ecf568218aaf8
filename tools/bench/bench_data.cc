#include "bench/bench_data.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "kindred/core/error.h"
#include "kindred/core/random.h"
#include "kindred/data/hdf5_file.h"

namespace kindred::tools {
namespace {

constexpr Index kClasses = 964;
constexpr Index kBytes = Index{16} << 20;

}  // namespace

BenchData::BenchData(const std::string& path, const Shape& shape) : path_(path) {
  if (!path_.empty()) return;
  std::error_code none;  // then in this folder
  std::string folder =
      (std::filesystem::temp_directory_path(none) / "kindred-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    fail(ErrorKind::cannot_create, folder +
                                       ": cannot create a temporary folder; name a data set "
                                       "with --data");
  }
  temporary_folder_ = folder;
  path_ = folder + "/bench.h5";
  const Index samples = std::clamp<Index>(kBytes / (kClasses * shape.size()), 4, 20);
  std::vector<std::uint8_t> images(static_cast<std::size_t>(kClasses * samples * shape.size()));
  Random random(1, Purpose::test);
  for (std::uint8_t& pixel : images) pixel = static_cast<std::uint8_t>(random.next() >> 24);
  std::vector<std::int64_t> labels;
  for (Index i = 0; i < kClasses * samples; ++i) labels.push_back(i / samples);
  Hdf5Writer writer(path_);
  writer.write<std::uint8_t>(
      "images", {kClasses * samples, shape.height, shape.width, shape.channels}, images);
  writer.write<std::int64_t>("labels", {kClasses * samples}, labels);
  writer.finish();
}

BenchData::~BenchData() {
  std::error_code ignored;
  if (!temporary_folder_.empty()) std::filesystem::remove_all(temporary_folder_, ignored);
}

}  // namespace kindred::tools
