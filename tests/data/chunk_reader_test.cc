// Chunks read without HDF5 against what HDF5 reads, for every way they can be stored; and tables
// that say what cannot be.
#include "data/chunks/chunk_reader.h"

#include <gtest/gtest.h>
#include <hdf5.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>

#include "kindred/core/random.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;

using Shape4 = std::vector<hsize_t>;

/// How a data set of the test is stored.
struct Stored {
  bool floats = false;
  Shape4 shape = {50, 6, 5, 3};
  Shape4 chunk = {};  ///< empty: in one piece
  std::vector<ChunkFilter> filters = {};
  hsize_t user_block = 0;
  bool gaps = false;  ///< only rows 10 to 19 are written, the others are 7
};

template <typename T>
std::vector<T> values_of(const Stored& stored) {
  hsize_t count = 1;
  for (const hsize_t extent : stored.shape) count *= extent;
  std::vector<T> values(count);
  Random random(1, Purpose::test);
  for (T& value : values) value = static_cast<T>(random.below(9));
  return values;
}

template <typename T>
void write(const std::string& path, const Stored& stored) {
  const hid_t creation = H5Pcreate(H5P_FILE_CREATE);
  H5Pset_userblock(creation, stored.user_block);
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, H5P_DEFAULT);
  const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
  const int rank = static_cast<int>(stored.shape.size());
  if (!stored.chunk.empty()) H5Pset_chunk(plan, rank, stored.chunk.data());
  for (const ChunkFilter filter : stored.filters) {
    if (filter == ChunkFilter::shuffle) H5Pset_shuffle(plan);
    if (filter == ChunkFilter::deflate) H5Pset_deflate(plan, 4);
    if (filter == ChunkFilter::fletcher32) H5Pset_fletcher32(plan);
  }
  const hid_t memory = stored.floats ? H5T_NATIVE_FLOAT : H5T_NATIVE_UINT8;
  const T seven = 7;
  H5Pset_fill_value(plan, memory, &seven);
  const hid_t space = H5Screate_simple(rank, stored.shape.data(), nullptr);
  const hid_t data = H5Dcreate2(file, "images", stored.floats ? H5T_IEEE_F32LE : H5T_STD_U8LE,
                                space, H5P_DEFAULT, plan, H5P_DEFAULT);
  const std::vector<T> values = values_of<T>(stored);
  if (stored.gaps) {
    Shape4 start(stored.shape.size(), 0);
    Shape4 count = stored.shape;
    start[0] = count[0] = 10;
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
    const hid_t part = H5Screate_simple(rank, count.data(), nullptr);
    H5Dwrite(data, memory, part, space, H5P_DEFAULT, values.data());
    H5Sclose(part);
  } else {
    H5Dwrite(data, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  }
  H5Dclose(data);
  H5Sclose(space);
  H5Pclose(plan);
  H5Fclose(file);
  H5Pclose(creation);
}

void write(const std::string& path, const Stored& stored) {
  stored.floats ? write<float>(path, stored) : write<std::uint8_t>(path, stored);
}

/// All rows as HDF5 reads them.
std::vector<std::byte> rows_by_hdf5(const Hdf5Dataset& data, bool floats) {
  Index count = 1;
  for (const Index extent : data.shape()) count *= extent;
  std::vector<std::byte> rows(static_cast<std::size_t>(count * (floats ? 4 : 1)));
  if (floats) {
    data.read_rows(0, data.shape()[0], reinterpret_cast<float*>(rows.data()));
  } else {
    data.read_rows(0, data.shape()[0], reinterpret_cast<std::uint8_t*>(rows.data()));
  }
  return rows;
}

/// All rows as the chunk reader reads them: block by block, or in a mixed order where rows lie
/// whole.
std::vector<std::byte> rows_by_chunks(const ChunkReader& reader) {
  const ChunkTable& table = reader.table();
  const Index row_bytes = table.row_bytes();
  std::vector<std::byte> rows(static_cast<std::size_t>(table.shape[0] * row_bytes),
                              std::byte{0xAA});
  if (!table.rows_lie_whole()) {
    ChunkDecoder decoder(table.pipeline);
    for (Index block = 0; block < table.grid[0]; ++block) {
      reader.read_block(block, decoder, rows.data() + block * reader.block_rows() * row_bytes);
    }
    return rows;
  }
  std::vector<Index> samples(static_cast<std::size_t>(table.shape[0]));
  std::iota(samples.begin(), samples.end(), Index{0});
  std::swap(samples[0], samples[20]);
  std::vector<Index> order(samples.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::swap(order[0], order[20]);
  std::vector<std::byte> mixed(rows.size());
  std::vector<Index> late;
  reader.read_rows(samples, order, mixed.data(), late);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    std::memcpy(rows.data() + samples[i] * row_bytes,
                mixed.data() + static_cast<Index>(i) * row_bytes,
                static_cast<std::size_t>(row_bytes));
  }
  return rows;
}

void expect_same_rows(const std::string& path, const Stored& stored) {
  write(path, stored);
  const Hdf5Dataset data = Hdf5File::open(path).dataset("images");
  std::optional<ChunkTable> table = read_chunk_table(data);
  ASSERT_TRUE(table.has_value());
  const ChunkReader reader(std::move(*table));
  EXPECT_EQ(rows_by_chunks(reader), rows_by_hdf5(data, stored.floats));
}

TEST(ChunkReader, ReadsWhatHdf5ReadsThroughEveryFilter) {
  const TempFolder folder;
  std::vector<ChunkFilter> all{ChunkFilter::shuffle, ChunkFilter::deflate, ChunkFilter::fletcher32};
  std::sort(all.begin(), all.end());
  do {  // every order of every choice
    for (std::size_t count = 0; count <= all.size(); ++count) {
      const std::vector<ChunkFilter> filters(all.begin(),
                                             all.begin() + static_cast<std::ptrdiff_t>(count));
      for (const bool floats : {false, true}) {
        for (const hsize_t user_block : {0, 512}) {
          SCOPED_TRACE(testing::Message()
                       << count << " filters, floats " << floats << ", user block " << user_block
                       << ", first " << static_cast<int>(all[0]));
          expect_same_rows(folder / "a.h5", {.floats = floats,
                                             .chunk = {7, 6, 5, 3},
                                             .filters = filters,
                                             .user_block = user_block});
        }
      }
    }
  } while (std::next_permutation(all.begin(), all.end()));
}

TEST(ChunkReader, ReadsWhatHdf5ReadsForEveryShapeOfChunks) {
  const TempFolder folder;
  const std::vector<ChunkFilter> packed{ChunkFilter::shuffle, ChunkFilter::deflate};
  for (const Shape4& chunk : {Shape4{1, 6, 5, 3}, Shape4{50, 6, 5, 3}, Shape4{7, 4, 2, 3},
                              Shape4{7, 4, 5, 2}, Shape4{1, 1, 1, 1}, Shape4{}}) {
    for (const bool floats : {false, true}) {
      for (const bool gaps : {false, true}) {
        SCOPED_TRACE(testing::Message() << testing::PrintToString(chunk) << floats << gaps);
        expect_same_rows(folder / "a.h5", {.floats = floats, .chunk = chunk, .gaps = gaps});
        if (chunk.empty()) continue;
        expect_same_rows(folder / "a.h5",
                         {.floats = floats, .chunk = chunk, .filters = packed, .gaps = gaps});
      }
    }
  }
  expect_same_rows(folder / "a.h5", {.floats = true, .shape = {50, 3}, .chunk = {8, 2}});
  expect_same_rows(folder / "a.h5", {.floats = true, .shape = {50, 3}, .user_block = 1024});
}

// A chunk whose writer left a filter out says so in its mask.
TEST(ChunkReader, ObeysTheFilterMask) {
  const TempFolder folder;
  const Stored stored{.chunk = {10, 6, 5, 3},
                      .filters = {ChunkFilter::deflate, ChunkFilter::fletcher32}};
  write(folder / "a.h5", stored);
  std::vector<std::uint8_t> plain(10 * 90, 42);
  const hid_t file = H5Fopen((folder / "a.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t open = H5Dopen2(file, "images", H5P_DEFAULT);
  const hsize_t at[] = {20, 0, 0, 0};
  ASSERT_GE(H5Dwrite_chunk(open, H5P_DEFAULT, 3, at, plain.size(), plain.data()), 0);
  H5Dclose(open);
  H5Fclose(file);
  const Hdf5Dataset data = Hdf5File::open(folder / "a.h5").dataset("images");
  const ChunkReader reader(*read_chunk_table(data));
  const std::vector<std::byte> rows = rows_by_chunks(reader);
  EXPECT_EQ(rows, rows_by_hdf5(data, false));
  EXPECT_EQ(rows[20 * 90], std::byte{42});
}

TEST(ChunkReader, LeavesOtherTypesToHdf5) {
  const TempFolder folder;
  {
    Hdf5Writer writer(folder / "a.h5");
    writer.write<double>("images", {4, 2}, std::vector<double>(8, 1.0));
    writer.write<std::int32_t>("more", {4, 2}, std::vector<std::int32_t>(8, 1));
    writer.finish();
  }
  const Hdf5File file = Hdf5File::open(folder / "a.h5");
  EXPECT_FALSE(read_chunk_table(file.dataset("images")).has_value());
  EXPECT_FALSE(read_chunk_table(file.dataset("more")).has_value());
}

/// A file of packed chunks in which bytes can be changed.
class DamagedChunks : public testing::Test {
 protected:
  DamagedChunks() {
    write(path_,
          {.chunk = {10, 6, 5, 3},
           .filters = {ChunkFilter::shuffle, ChunkFilter::deflate, ChunkFilter::fletcher32}});
    const Hdf5Dataset data = Hdf5File::open(path_).dataset("images");
    chunks_ = read_chunk_table(data)->chunks;
    std::ifstream file(path_, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
  }

  void save() { std::ofstream(path_, std::ios::binary) << bytes_; }

  // Where the index names the chunk's address; its size stands before mask and five offsets.
  std::size_t address_of(std::size_t chunk) const {
    char pattern[8];
    std::memcpy(pattern, &chunks_[chunk].offset, sizeof pattern);
    return bytes_.find(std::string(pattern, sizeof pattern));
  }
  std::size_t size_of(std::size_t chunk) const { return address_of(chunk) - 5 * 8 - 4 - 4; }

  template <typename T>
  void put(std::size_t at, T value) {
    ASSERT_LE(at + sizeof value, bytes_.size());
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }

  void expect_refused(const std::string& message) {
    save();
    expect_error(ErrorKind::data, message, [&] {
      const Hdf5Dataset data = Hdf5File::open(path_).dataset("images");
      std::optional<ChunkTable> table = read_chunk_table(data);
      if (!table) fail(ErrorKind::internal, "no table");
      const ChunkReader reader(std::move(*table));
      rows_by_chunks(reader);
    });
  }

  TempFolder folder_;
  std::string path_ = folder_ / "a.h5";
  std::vector<StoredChunk> chunks_;
  std::string bytes_;
};

TEST_F(DamagedChunks, AreFoundWhereTheTestSaysTheyAre) {
  std::uint32_t size = 0;
  std::memcpy(&size, bytes_.data() + size_of(2), sizeof size);
  EXPECT_EQ(size, chunks_[2].bytes);
}

TEST_F(DamagedChunks, AnAddressBehindTheEndIsRefused) {
  for (const std::size_t chunk : {0, 3}) {
    const std::size_t at = address_of(chunk);
    const std::uint64_t whole = chunks_[chunk].offset;
    for (const std::uint64_t address :
         {std::uint64_t{bytes_.size()} - 3, std::uint64_t{1} << 40, UINT64_MAX - 100}) {
      put(at, address);
      save();
      // HDF5 itself may refuse to look it up.
      expect_refused("a.h5: /images");
    }
    put(at, whole);
  }
}

TEST_F(DamagedChunks, AnAbsurdSizeIsRefused) {
  for (const std::size_t chunk : {0, 3}) {
    const std::size_t at = size_of(chunk);
    for (const std::uint32_t size : {0U, 100'000U, 0xFFFFFFFFU}) {
      put(at, size);
      expect_refused("it is truncated or damaged");
    }
    put(at, chunks_[chunk].bytes);
  }
}

TEST_F(DamagedChunks, ASizeThatIsTooSmallIsDamage) {
  put(size_of(3), chunks_[3].bytes - 7);
  expect_refused("a.h5: /images: the chunk of rows 30 to 39, at byte");
}

TEST_F(DamagedChunks, AWrongByteIsDamage) {
  bytes_[chunks_[2].offset + 10] = static_cast<char>(bytes_[chunks_[2].offset + 10] ^ 0x10);
  expect_refused("a.h5: /images: the chunk of rows 20 to 29, at byte");
}

TEST_F(DamagedChunks, AWrongChecksumIsDamage) {
  const std::size_t last = chunks_[4].offset + chunks_[4].bytes - 1;
  bytes_[last] = static_cast<char>(bytes_[last] ^ 1);
  expect_refused("is damaged: its checksum is ");
}

// Without HDF5's checksum deflate's own finds it.
TEST_F(DamagedChunks, WithoutAChecksumDeflateFindsIt) {
  write(path_, {.chunk = {10, 6, 5, 3}, .filters = {ChunkFilter::deflate}});
  const ChunkTable table = *read_chunk_table(Hdf5File::open(path_).dataset("images"));
  std::ifstream file(path_, std::ios::binary);
  bytes_.assign(std::istreambuf_iterator<char>(file), {});
  const std::string whole = bytes_;
  bytes_[table.chunks[1].offset] = 0;
  expect_refused("rows 10 to 19");
  bytes_ = whole;
  bytes_[table.chunks[1].offset + table.chunks[1].bytes - 1] ^= 1;  // Adler's checksum
  expect_refused("what deflate packed is damaged");
}

TEST_F(DamagedChunks, AFileCutWhileItIsOpenIsAnError) {
  const Hdf5Dataset data = Hdf5File::open(path_).dataset("images");
  const ChunkReader reader(*read_chunk_table(data));
  std::filesystem::resize_file(path_, chunks_[4].offset + 3);
  expect_error(ErrorKind::data, "a.h5: /images: the file ends at byte",
               [&] { rows_by_chunks(reader); });
}

TEST_F(DamagedChunks, AnotherFileOfTheSameNameIsRefused) {
  ChunkTable table = *read_chunk_table(Hdf5File::open(path_).dataset("images"));
  write(folder_ / "b.h5", {});
  std::filesystem::rename(folder_ / "b.h5", path_);
  expect_error(ErrorKind::data, "a.h5: was replaced while it was being opened",
               [&] { const ChunkReader reader(std::move(table)); });
}

// The table comes from another process, which may have been taken over by the file it read.
TEST_F(DamagedChunks, ATableThatContradictsItselfIsRefused) {
  const ChunkTable whole = *read_chunk_table(Hdf5File::open(path_).dataset("images"));
  const auto refused = [&](const std::function<void(ChunkTable&)>& change) {
    ChunkTable table = whole;
    change(table);
    expect_error(ErrorKind::data,
                 "a.h5: /images: ", [&] { const ChunkReader reader(std::move(table)); });
  };
  refused([](ChunkTable& table) { table.chunks.pop_back(); });
  refused([](ChunkTable& table) { table.grid[0] = 0; });
  refused([](ChunkTable& table) { table.grid.pop_back(); });
  refused([](ChunkTable& table) { table.shape[1] = -6; });
  refused([](ChunkTable& table) { table.chunk[2] = Index{1} << 62; });
  refused([](ChunkTable& table) { table.pipeline.chunk_bytes *= 2; });
  refused([](ChunkTable& table) { table.pipeline.element_bytes = 0; });
  refused([](ChunkTable& table) { table.chunks[1].bytes = 0xFFFFFFFF; });
  refused([](ChunkTable& table) { table.chunks[1].offset = StoredChunk::kNone - 1; });
  refused([](ChunkTable& table) { table.shape = table.chunk = table.grid = {}; });
}

TEST(ChunkFilters, UnshuffleByHand) {
  const std::uint8_t stored[] = {1, 2, 3, 11, 12, 13, 21, 22, 23, 99};
  std::vector<std::byte> found(10);
  unshuffle(std::as_bytes(std::span(stored)), 3, found.data());
  const std::uint8_t expected[] = {1, 11, 21, 2, 12, 22, 3, 13, 23, 99};
  EXPECT_EQ(std::memcmp(found.data(), expected, 10), 0);
}

TEST(ChunkFilters, Fletcher32ByHand) {
  // Words 0x0102 and 0x0300: sums 0x0402 and 0x0102 + 0x0402 = 0x0504.
  const std::uint8_t three[] = {1, 2, 3};
  EXPECT_EQ(fletcher32(std::as_bytes(std::span(three))), 0x05040402U);
  EXPECT_EQ(fletcher32({}), 0U);
  const std::vector<std::byte> ones(2, std::byte{0xFF});  // 65535 is 0 modulo 65535, but not 0
  EXPECT_EQ(fletcher32(ones), 0xFFFFFFFFU);
}

}  // namespace
}  // namespace kindred
