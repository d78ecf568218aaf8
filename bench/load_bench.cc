// Reading batches of 128 images of 28x28 bytes (strokes on black) drawn at random from 200,000, and
// all of them in order, from a file in the system's memory: by H5Dread, and by the data set's own
// reader of chunks (pread and libdeflate, outside of HDF5). Chunks hold 83 images (64 KiB),
// deflated at level 1 or as they are; "kept" has room for all of them unpacked, the others for a
// few; "whole" is one piece without chunks. A random image costs unpacking its chunk (64 KiB)
// unless that is kept; in order a chunk serves 83.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "kindred/core/random.h"
#include "kindred/data/dataset.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {
namespace {

constexpr Index kImages = 200'000;
constexpr Index kSide = 28;
constexpr Index kBytes = kSide * kSide;
constexpr Index kChunk = 83;
constexpr Index kBatch = 128;
constexpr Index kTight = Index{24} << 20;
constexpr Index kRoomy = Index{16} << 30;

// A few strokes: compresses about as drawings do.
void draw(Index i, std::uint8_t* image) {
  Random random(1, Purpose::test, static_cast<std::uint64_t>(i));
  std::fill_n(image, kBytes, std::uint8_t{0});
  for (int stroke = 0; stroke < 4; ++stroke) {
    Index x = random.below(kSide);
    Index y = random.below(kSide);
    for (int step = 0; step < 14; ++step) {
      image[y * kSide + x] = static_cast<std::uint8_t>(128 + random.below(128));
      x = std::clamp<Index>(x + random.below(3) - 1, 0, kSide - 1);
      y = std::clamp<Index>(y + random.below(3) - 1, 0, kSide - 1);
    }
  }
}

/// The two files, removed at the end.
class Files {
 public:
  Files() : folder_(std::filesystem::temp_directory_path() / "kindred-load-bench") {
    std::filesystem::create_directories(folder_);
    std::vector<std::uint8_t> images(static_cast<std::size_t>(kImages * kBytes));
    for (Index i = 0; i < kImages; ++i) draw(i, images.data() + i * kBytes);
    const std::vector<Index> shape{kImages, kSide, kSide, 1};
    const Hdf5Storage gzip{.chunk = {kChunk, kSide, kSide, 1}, .gzip = 1};
    Hdf5Writer packed(path("gzip.h5"));
    packed.create<std::uint8_t>("images", shape, gzip);
    packed.write_packed("images", 0, images, gzip.gzip, Workers());
    packed.finish();
    Hdf5Writer whole(path("whole.h5"));
    whole.write<std::uint8_t>("images", shape, images);
    whole.finish();
  }
  ~Files() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

const Files& files() {
  static const Files made;
  return made;
}

std::vector<Index> batch(int thread, Index number) {
  Random random(2, Purpose::test, static_cast<std::uint64_t>(thread),
                static_cast<std::uint64_t>(number));
  std::vector<Index> samples(kBatch);
  for (Index& sample : samples) sample = random.below(kImages);
  return samples;
}

void count(benchmark::State& state, Index images) {
  state.SetItemsProcessed(state.iterations() * images);
  state.SetBytesProcessed(state.iterations() * images * kBytes);
}

void random_hdf5(benchmark::State& state, const char* name) {
  static const Hdf5Dataset* data = nullptr;
  if (state.thread_index() == 0) {
    data = new Hdf5Dataset(Hdf5File::open(files().path(name)).dataset("images"));
  }
  std::vector<std::uint8_t> rows(kBatch * kBytes);
  Index number = 0;
  for (auto _ : state) {
    std::uint8_t* dst = rows.data();
    for (const Index sample : batch(state.thread_index(), number++)) {
      data->read_rows(sample, 1, dst);
      dst += kBytes;
    }
  }
  count(state, kBatch);
  if (state.thread_index() == 0) delete data;
}

void random_stream(benchmark::State& state, const char* name, Index memory) {
  static const Dataset* data = nullptr;
  if (state.thread_index() == 0) {
    data = new Dataset(Dataset::stream(files().path(name), memory));
    if (memory == kRoomy) {  // what is kept is kept before the time is taken
      std::vector<Index> all(kImages / kChunk + 1);
      for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Index>(i) * kChunk;
      std::vector<std::byte> rows(all.size() * kBytes);
      data->read(all, rows.data(), Reading::random);
    }
  }
  std::vector<std::byte> rows(kBatch * kBytes);
  Index number = 0;
  for (auto _ : state) {
    data->read(batch(state.thread_index(), number++), rows.data(), Reading::random);
  }
  count(state, kBatch);
  if (state.thread_index() == 0) delete data;
}

void in_order_hdf5(benchmark::State& state, const char* name) {
  const Hdf5Dataset data = Hdf5File::open(files().path(name)).dataset("images");
  std::vector<std::uint8_t> rows(kChunk * kBytes);
  for (auto _ : state) {
    for (Index first = 0; first < kImages; first += kChunk) {
      data.read_rows(first, std::min(kChunk, kImages - first), rows.data());
    }
  }
  count(state, kImages);
}

void in_order_stream(benchmark::State& state, const char* name) {
  const Dataset data = Dataset::stream(files().path(name), kTight);
  std::vector<std::byte> rows(kChunk * kBytes);
  std::vector<Index> samples(kChunk);
  for (auto _ : state) {
    for (Index first = 0; first < kImages; first += kChunk) {
      std::iota(samples.begin(), samples.end(), first);
      const Index own = std::min(kChunk, kImages - first);
      data.read(std::span(samples).first(static_cast<std::size_t>(own)), rows.data());
    }
  }
  count(state, kImages);
}

#define KINDRED_LOAD(function, ...)        \
  BENCHMARK_CAPTURE(function, __VA_ARGS__) \
      ->Unit(benchmark::kMillisecond)      \
      ->UseRealTime()                      \
      ->Repetitions(5)                     \
      ->ReportAggregatesOnly()

KINDRED_LOAD(random_hdf5, gzip, "gzip.h5")->Threads(1)->Threads(2);
KINDRED_LOAD(random_stream, gzip, "gzip.h5", kTight)->Threads(1)->Threads(2);
KINDRED_LOAD(random_stream, gzip_kept, "gzip.h5", kRoomy)->Threads(1)->Threads(2);
KINDRED_LOAD(random_hdf5, whole, "whole.h5")->Threads(1)->Threads(2);
KINDRED_LOAD(random_stream, whole, "whole.h5", kTight)->Threads(1)->Threads(2);
KINDRED_LOAD(in_order_hdf5, gzip, "gzip.h5");
KINDRED_LOAD(in_order_stream, gzip, "gzip.h5");
KINDRED_LOAD(in_order_hdf5, whole, "whole.h5");
KINDRED_LOAD(in_order_stream, whole, "whole.h5");

}  // namespace
}  // namespace kindred

BENCHMARK_MAIN();
