#include "kindred/data/npy_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <string>

#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;

/// A file as NumPy writes it: format version 1, the header padded to 64 bytes.
std::string npy(const std::string& type, const std::string& shape, const std::string& elements,
                const std::string& order = "False") {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  header.resize((header.size() + 10 + 64) / 64 * 64 - 10, ' ');
  header.back() = '\n';
  std::string file = "\x93NUMPY";
  file += {'\x01', '\x00', static_cast<char>(header.size() & 255),
           static_cast<char>(header.size() >> 8)};
  return file + header + elements;
}

template <typename T>
std::string bytes(const std::vector<T>& values, bool swapped = false) {
  std::string text;
  for (const T value : values) {
    std::string one(sizeof value, '\0');
    std::memcpy(one.data(), &value, sizeof value);
    if (swapped) one = std::string(one.rbegin(), one.rend());
    text += one;
  }
  return text;
}

class NpyFile : public testing::Test {
 protected:
  std::string write(const std::string& content) const {
    std::ofstream(folder_ / "a.npy", std::ios::binary) << content;
    return folder_ / "a.npy";
  }
  void expect_matrix(const std::string& content) const {
    const Matrix read = read_npy_matrix(write(content));
    ASSERT_EQ(read.rows(), 2);
    ASSERT_EQ(read.cols(), 3);
    for (Index i = 0; i < 2; ++i) {
      for (Index j = 0; j < 3; ++j) EXPECT_EQ(read(i, j), static_cast<float>(3 * i + j)) << i << j;
    }
  }
  void expect_refused(const std::string& content, const std::string& part) const {
    const std::string path = write(content);
    expect_error(ErrorKind::data, part, [&] { read_npy_matrix(path); });
  }
  TempFolder folder_;
};

TEST_F(NpyFile, ReadsEveryKindOfNumber) {
  expect_matrix(npy("<f4", "(2, 3)", bytes<float>({0, 1, 2, 3, 4, 5})));
  expect_matrix(npy("<f8", "(2, 3)", bytes<double>({0, 1, 2, 3, 4, 5})));
  expect_matrix(npy(">f4", "(2, 3)", bytes<float>({0, 1, 2, 3, 4, 5}, true)));
  expect_matrix(npy(">i8", "(2, 3)", bytes<std::int64_t>({0, 1, 2, 3, 4, 5}, true)));
  expect_matrix(npy("|u1", "(2, 3)", bytes<std::uint8_t>({0, 1, 2, 3, 4, 5})));
  expect_matrix(
      npy("<f2", "(2, 3)", bytes<std::uint16_t>({0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500})));
  expect_matrix(npy("<f4", "(2, 3)", bytes<float>({0, 3, 1, 4, 2, 5}), "True"));
}

TEST_F(NpyFile, ReadsHalvesOfEverySize) {
  // The smallest subnormal, the largest number, minus a half.
  const Matrix read =
      read_npy_matrix(write(npy("<f2", "(1, 3)", bytes<std::uint16_t>({1, 0x7bff, 0xb800}))));
  EXPECT_EQ(read(0, 0), 0x1p-24F);
  EXPECT_EQ(read(0, 1), 65504);
  EXPECT_EQ(read(0, 2), -0.5F);
}

TEST_F(NpyFile, ReadsLabels) {
  const auto read = [&](const std::string& content) { return read_npy_integers(write(content)); };
  const std::vector<std::int64_t> expected = {-3, 0, 7};
  EXPECT_EQ(read(npy("<i8", "(3,)", bytes<std::int64_t>({-3, 0, 7}))), expected);
  EXPECT_EQ(read(npy("<i4", "(3,)", bytes<std::int32_t>({-3, 0, 7}))), expected);
  EXPECT_EQ(read(npy("|i1", "(3, 1)", bytes<std::int8_t>({-3, 0, 7}))), expected);
  EXPECT_EQ(read(npy("<f4", "(3,)", bytes<float>({-3, 0, 7}))), expected);
}

TEST_F(NpyFile, RefusesDamagedAndForeignFiles) {
  const std::string good = npy("<f4", "(2, 3)", bytes<float>({0, 1, 2, 3, 4, 5}));
  expect_refused("", "no NumPy array");
  expect_refused("PK\x03\x04 and more of a zip", "no NumPy array");
  expect_refused(good.substr(0, 40), "cut short");
  expect_refused(good.substr(0, good.size() - 1), "23 bytes follow");
  expect_refused(good + "x", "25 bytes follow");
  expect_refused(npy("|O", "(2, 3)", "xxxxxx"), "type");
  expect_refused(npy("<c8", "(2, 3)", std::string(48, 'x')), "'<c8'");
  expect_refused(npy("<f3", "(2, 3)", std::string(18, 'x')), "'<f3'");
  expect_refused(npy("<f4", "(2, -3)", ""), "shape");
  expect_refused(npy("<f4", "2, 3", ""), "shape");
  expect_refused(npy("<f4", "(0, 3)", ""), "empty");
  expect_refused(npy("<f4", "(4611686018427387904, 4)", "1234"), "4 bytes follow");
  expect_refused(npy("<f4", "(6,)", bytes<float>({0, 1, 2, 3, 4, 5})), "[N, D]");
  expect_refused(npy("<f4", "(1, 1)", bytes<float>({NAN})), "nan");
  std::string version = good;
  version[6] = 9;
  expect_refused(version, "version 9");
  expect_error(ErrorKind::no_input, "missing.npy",
               [&] { read_npy_matrix(folder_ / "missing.npy"); });
  const std::string path = write(npy("<f4", "(2,)", bytes<float>({1, 1.5F})));
  expect_error(ErrorKind::data, "row 1 holds 1.5", [&] { read_npy_integers(path); });
}

TEST_F(NpyFile, SurvivesEveryChangedByte) {
  const std::string good = npy("<f4", "(2, 3)", bytes<float>({0, 1, 2, 3, 4, 5}));
  Index refused = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char change : {'\0', '9', '\'', '(', '\xff'}) {
      std::string changed = good;
      changed[i] = change;
      const std::string path = write(changed);
      try {
        read_npy_matrix(path);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace kindred
