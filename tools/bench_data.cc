#include "bench_data.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "kindred/core/error.h"
#include "kindred/core/random.h"
#include "kindred/data/hdf5_file.h"

namespace kindred::tools {
namespace {

constexpr Index kClasses = 964;
constexpr Index kSamples = 20;
constexpr Index kSide = 28;

}  // namespace

BenchData::BenchData(const std::string& path) : path_(path) {
  if (!path_.empty()) return;
  std::string folder = (std::filesystem::temp_directory_path() / "kindred-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    fail(ErrorKind::cannot_create, folder +
                                       ": cannot create a temporary folder; name a data set "
                                       "with --data");
  }
  temporary_folder_ = folder;
  path_ = folder + "/bench.h5";
  std::vector<std::uint8_t> images(static_cast<std::size_t>(kClasses * kSamples * kSide * kSide));
  Random random(1, Purpose::test);
  for (std::uint8_t& pixel : images) pixel = static_cast<std::uint8_t>(random.next() >> 24);
  std::vector<std::int64_t> labels;
  for (Index i = 0; i < kClasses * kSamples; ++i) labels.push_back(i / kSamples);
  Hdf5Writer writer(path_);
  writer.write<std::uint8_t>("images", {kClasses * kSamples, kSide, kSide, 1}, images);
  writer.write<std::int64_t>("labels", {kClasses * kSamples}, labels);
  writer.finish();
}

BenchData::~BenchData() {
  std::error_code ignored;
  if (!temporary_folder_.empty()) std::filesystem::remove_all(temporary_folder_, ignored);
}

}  // namespace kindred::tools
