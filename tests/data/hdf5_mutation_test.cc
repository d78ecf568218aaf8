// Damaged HDF5 files, of all layouts that are read: each is read or a message; nothing crashes,
// hangs or writes.
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "kindred/data/dataset.h"
#include "kindred/data/embedding_source.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/pair_list.h"
#include "support/mutation.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::Mutator;
using test::TempFolder;

std::vector<std::uint8_t> noise(Index count) {
  std::vector<std::uint8_t> bytes;
  unsigned value = 7;
  for (Index i = 0; i < count; ++i) {
    value = value * 1664525 + 1013904223;
    bytes.push_back(static_cast<std::uint8_t>(value >> 24));
  }
  return bytes;
}

std::vector<float> floats(Index count) {
  std::vector<float> values;
  for (const std::uint8_t byte : noise(count)) values.push_back(static_cast<float>(byte) / 256);
  return values;
}

std::vector<std::int64_t> labels(Index count) {
  std::vector<std::int64_t> values;
  for (Index i = 0; i < count; ++i) values.push_back(i / 2);
  return values;
}

// --- whole files, as ours and others are ---

void write_ours(Hdf5Writer& writer) {
  writer.write<std::uint8_t>("images", {8, 4, 4, 1}, noise(128),
                             {.chunk = {2, 4, 4, 1}, .gzip = 6, .shuffle = true});
  writer.write<std::int64_t>("labels", {8}, labels(8));
  writer.write<std::uint8_t>("split", {8}, std::vector<std::uint8_t>(8, 0));
  writer.write_strings("class_names", std::vector<std::string>{"a", "b", "c", "d"});
  writer.write_strings("paths", std::vector<std::string>(8, "folder/file.png"), {{4}, 4, false});
  writer.attribute("/", "format", std::string("kindred data set"));
}

void write_keras(Hdf5Writer& writer) {
  for (const std::string part : {"train", "test"}) {
    writer.write<float>("x_" + part, {6, 3, 3}, floats(54));
    writer.write<double>("y_" + part, {6, 1}, std::vector<double>{0, 0, 1, 1, 2, 2});
  }
}

void write_caffe(Hdf5Writer& writer) {
  writer.write<float>("data", {4, 3, 2, 2}, floats(48), {.chunk = {1, 3, 2, 2}, .gzip = 1});
  writer.write<float>("label", {4}, std::vector<float>{0, 1, 0, 1});
}

void write_neighbors(Hdf5Writer& writer) {
  writer.write<float>("train", {9, 5}, floats(45));
  writer.write<float>("test", {2, 5}, floats(10));
  writer.write<std::int32_t>("neighbors", {2, 3}, std::vector<std::int32_t>{0, 1, 2, 3, 4, 5});
  writer.attribute("/", "distance", std::string("euclidean"));
}

void write_embeddings(Hdf5Writer& writer) {
  writer.write<float>("embeddings", {8, 3}, floats(24), {.chunk = {4, 3}, .gzip = 4});
  writer.write<std::int64_t>("labels", {8}, labels(8));
  writer.write<std::int64_t>("pairs", {3, 2}, std::vector<std::int64_t>{0, 1, 2, 3, 4, 7});
  writer.write<std::uint8_t>("same", {3}, std::vector<std::uint8_t>{1, 1, 0});
}

/// As MATLAB and h5py write: new-style groups, texts of variable length in a heap, big-endian
/// numbers, half floats, checksummed chunks, a table as attribute.
void write_raw(const std::string& path, bool newest) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (newest) H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  const hid_t create = H5Pcreate(H5P_FILE_CREATE);
  if (!newest) H5Pset_userblock(create, 512);
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, create, access);
  const auto write = [&](const char* name, hid_t stored, hid_t memory,
                         const std::vector<hsize_t>& shape, const void* values, bool chunked) {
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    if (chunked) {
      std::vector<hsize_t> chunk = shape;
      chunk[0] = 2;
      H5Pset_chunk(plan, static_cast<int>(chunk.size()), chunk.data());
      H5Pset_deflate(plan, 6);
      H5Pset_fletcher32(plan);
    }
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t data = H5Dcreate2(file, name, stored, space, H5P_DEFAULT, plan, H5P_DEFAULT);
    H5Dwrite(data, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    const hid_t scalar = H5Screate(H5S_SCALAR);
    if (!newest) {
      H5Aclose(H5Acreate2(data, "MATLAB_class", H5T_STD_U8LE, scalar, H5P_DEFAULT, H5P_DEFAULT));
    }
    for (const hid_t id : {scalar, space}) H5Sclose(id);
    H5Dclose(data);
    H5Pclose(plan);
  };
  const std::vector<float> values = floats(4 * 3 * 5 * 5);
  write("images", H5T_IEEE_F64BE, H5T_NATIVE_FLOAT, {4, 3, 5, 5}, values.data(), true);
  const hid_t text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, H5T_VARIABLE);
  const std::vector<const char*> names{"dog", "cat", "", "a longer name than the others"};
  write("labels", text, text, {4}, names.data(), false);
  H5Tclose(text);
  struct Row {
    char split[6];
    char source[7];
    std::int64_t start;
    std::int64_t stop;
  };
  const hid_t table = H5Tcreate(H5T_COMPOUND, sizeof(Row));
  for (const auto& [name, offset, size] :
       {std::tuple{"split", offsetof(Row, split), 6}, {"source", offsetof(Row, source), 7}}) {
    const hid_t fixed = H5Tcopy(H5T_C_S1);
    H5Tset_size(fixed, static_cast<std::size_t>(size));
    H5Tinsert(table, name, offset, fixed);
    H5Tclose(fixed);
  }
  H5Tinsert(table, "start", offsetof(Row, start), H5T_NATIVE_INT64);
  H5Tinsert(table, "stop", offsetof(Row, stop), H5T_NATIVE_INT64);
  const std::vector<Row> rows{{"train", "images", 0, 3}, {"test", "images", 3, 4}};
  const hsize_t count = rows.size();
  const hid_t space = H5Screate_simple(1, &count, nullptr);
  const hid_t attribute = H5Acreate2(file, "split", table, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, table, rows.data());
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(table);
  H5Fclose(file);
  H5Pclose(create);
  H5Pclose(access);
}

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> whole_files(const TempFolder& folder) {
  const std::string path = folder / "whole.h5";
  std::vector<std::string> files;
  for (const auto write :
       {write_ours, write_keras, write_caffe, write_neighbors, write_embeddings}) {
    Hdf5Writer writer(path);
    write(writer);
    writer.finish();
    files.push_back(text_of(path));
  }
  for (const bool newest : {false, true}) {
    write_raw(path, newest);
    files.push_back(text_of(path));
  }
  fs::remove(path);
  return files;
}

// --- damage of the kinds that HDF5 files suffer ---

/// Bytes that say where, how long and what: not zeros, which most of a small file is.
std::size_t telling_byte(Mutator& mutate, const std::string& file) {
  std::size_t at = mutate.below(file.size());
  for (int i = 0; i < 20 && file[at] == 0; ++i) at = mutate.below(file.size());
  return at;
}

/// One of the structures by its signature: heap, tree, symbol table, object header, ...
std::size_t structure(Mutator& mutate, const std::string& file) {
  constexpr std::array<const char*, 12> kSignatures{"\x89HDF", "HEAP", "TREE", "SNOD",
                                                    "GCOL",    "OHDR", "OCHK", "FRHP",
                                                    "FHDB",    "BTHD", "BTLF", "FAHD"};
  for (int i = 0; i < 20; ++i) {
    const std::size_t at = file.find(kSignatures[mutate.below(kSignatures.size())]);
    if (at != file.npos) return at;
  }
  return 0;
}

std::string damage(Mutator& mutate, std::string file, const std::string& other) {
  for (std::size_t changes = 1 + mutate.below(3); changes > 0 && !file.empty(); --changes) {
    const std::size_t within =
        mutate.below(2) == 0
            ? telling_byte(mutate, file)
            : std::min(structure(mutate, file) + mutate.below(64), file.size() - 1);
    const std::size_t length = std::min<std::size_t>(1 + mutate.below(8), file.size() - within);
    switch (mutate.below(8)) {
      case 0: return mutate(std::move(file), other);
      case 1: file.replace(within, length, std::string(length, '\xFF')); break;
      case 2: file.replace(within, length, std::string(length, '\0')); break;
      case 3: file[within] = static_cast<char>(file[within] + 1); break;
      case 4: file[within] = static_cast<char>(mutate.below(256)); break;
      case 5: file[within] = static_cast<char>(file[within] ^ (1 << mutate.below(8))); break;
      case 6: {  // blocks change places
        const std::size_t from = mutate.below(file.size());
        const std::size_t size =
            std::min({std::size_t{8} << mutate.below(6), file.size() - from, file.size() - within});
        std::swap_ranges(file.begin() + static_cast<std::ptrdiff_t>(std::min(from, within)),
                         file.begin() + static_cast<std::ptrdiff_t>(std::min(
                                            std::min(from, within) + size, std::max(from, within))),
                         file.begin() + static_cast<std::ptrdiff_t>(std::max(from, within)));
        break;
      }
      default:
        if (mutate.below(4) == 0) file.resize(mutate.below(file.size()));
        file += std::string(mutate.below(2) * 64, '\xFF');
    }
  }
  return file;
}

Index peak_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return Index{usage.ru_maxrss} << 10;
}

std::string outcome_of(int seed, const std::string& path, const std::function<void()>& action) {
  try {
    action();
    return "read";
  } catch (const Error& error) {
    const std::string what = error.what();
    EXPECT_TRUE(error.kind() == ErrorKind::data || error.kind() == ErrorKind::no_input)
        << error.exit_code() << ": " << what;
    EXPECT_NE(what.find(fs::path(path).filename()), what.npos) << what;
    const bool crashed = what.find("reading it crashed") != what.npos;
    const bool too_much = what.find("reading it takes more") != what.npos;
    if (crashed || too_much) std::printf("  seed %d: %s\n", seed, what.c_str());
    if (crashed) return "crashed";
    if (too_much) return "too much";
    return "refused";
  }
}

/// A quarter of the seeds each, so that they may run at once.
class Hdf5Mutations : public testing::TestWithParam<int> {};

TEST_P(Hdf5Mutations, EveryDamagedFileIsReadOrRefused) {
  const TempFolder folder;
  const std::vector<std::string> whole = whole_files(folder);
  const std::string path = folder / "damaged.h5";
  std::ofstream(folder / "other") << "untouched";
  const Index before = peak_bytes();
  std::map<std::string, int> outcomes;
  const int count = test::in_long_tests(10000) / 4;
  for (int seed = GetParam() * count; seed < (GetParam() + 1) * count; ++seed) {
    SCOPED_TRACE(seed);
    Mutator mutate(static_cast<std::uint64_t>(seed));
    const std::string& file = whole[static_cast<std::size_t>(seed) % whole.size()];
    std::ofstream(path, std::ios::binary)
        << damage(mutate, file, whole[mutate.below(whole.size())]);
    ++outcomes["data set " + outcome_of(seed, path, [&] { Dataset::open(path); })];
    ++outcomes["embeddings " + outcome_of(seed, path, [&] {
                 const EmbeddingFile embeddings = read_embeddings({path, "", "", ""});
                 read_pair_list(path, embeddings);
               })];
  }
  for (const auto& [outcome, times] : outcomes) {
    RecordProperty(outcome, times);
    std::printf("  %s: %d\n", outcome.c_str(), times);
  }
  EXPECT_GT(outcomes["data set read"], count / 20);
  EXPECT_GT(outcomes["data set refused"], count / 5);
  EXPECT_LT(peak_bytes() - before, Index{1} << 30);
  EXPECT_EQ(text_of(folder / "other"), "untouched");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 2);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Hdf5Mutations, testing::Range(0, 4));

}  // namespace
}  // namespace kindred
