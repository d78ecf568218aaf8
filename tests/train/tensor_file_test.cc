#include "kindred/train/tensor_file.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <vector>

#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

const std::vector<float> kFloats = {1, 2.5f, -3, 4, 5, 6};
const std::vector<std::int64_t> kIntegers = {7, -8};

void write_sample(const std::string& path) {
  TensorFile file;
  file.metadata = {{"kind", "a test"}, {"text", "line\n\"quoted\" \xE2\x82\xAC"}};
  file.add({"floats", DataType::f32, {2, 3}, std::as_bytes(std::span(kFloats))});
  file.add({"integers", DataType::i64, {2}, std::as_bytes(std::span(kIntegers))});
  file.add({"none", DataType::u8, {0, 4}, {}});
  file.write(path);
}

std::string rejection_by(TensorFile (*take)(const std::string&), const std::string& path) {
  try {
    take(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
    return error.what();
  }
  return "";
}

/// Of a file that is read, and of one that is open: the same.
std::string rejection(const std::string& path) {
  const std::string text = rejection_by(TensorFile::read, path);
  EXPECT_EQ(rejection_by(TensorFile::open, path), text);
  return text;
}

void write_bytes(const std::string& path, std::span<const std::byte> bytes) {
  const std::array<std::span<const std::byte>, 1> parts{bytes};
  write_file_durably(path, parts);
}

/// A file with this header text and `data` zero bytes behind it.
void write_header(const std::string& path, const std::string& header, std::size_t data) {
  std::vector<std::byte> bytes(8 + header.size() + data);
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  write_bytes(path, bytes);
}

TEST(TensorFile, ReadsBackWhatWasWritten) {
  const test::TempFolder folder;
  const std::string path = folder / "a.kindred";
  write_sample(path);
  const TensorFile file = TensorFile::read(path);
  EXPECT_EQ(file.text("text"), "line\n\"quoted\" \xE2\x82\xAC");
  ASSERT_EQ(file.tensors().size(), 3u);
  const Tensor* floats = file.find("floats");
  ASSERT_NE(floats, nullptr);
  EXPECT_EQ(floats->shape, (std::vector<Index>{2, 3}));
  EXPECT_EQ(std::memcmp(floats->bytes.data(), kFloats.data(), floats->bytes.size()), 0);
  EXPECT_EQ(file.find("nothing"), nullptr);
}

// Larger than what is looked at together: 4 MiB.
TEST(TensorFile, GivesBytesOfLargeArraysWhereTheyLie) {
  const test::TempFolder folder;
  const std::string path = folder / "a.kindred";
  std::vector<double> values(1'300'001);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i) / 3;
  const auto all = std::as_bytes(std::span(values));
  TensorFile written;
  written.add({"few", DataType::u8, {3}, all.subspan(8, 3)});
  written.add({"many", DataType::f64, {1'300'001}, all});
  written.write(path);
  for (const auto take : {TensorFile::read, TensorFile::open}) {
    const TensorFile file = take(path);
    const Tensor& many = *file.find("many");
    for (const std::size_t first : {std::size_t{0}, std::size_t{5}, all.size() - 7}) {
      std::vector<std::byte> some(std::min<std::size_t>(all.size() - first, 9'000'000));
      file.copy(many, first, some);
      EXPECT_EQ(std::memcmp(some.data(), all.data() + first, some.size()), 0) << first;
    }
    std::vector<std::byte> few(2);
    file.copy(*file.find("few"), 1, few);
    EXPECT_EQ(std::memcmp(few.data(), all.data() + 9, 2), 0);
  }
  EXPECT_TRUE(TensorFile::open(path).find("many")->bytes.empty());

  // A number in the middle of a later piece that is none.
  values[1'200'000] = std::numeric_limits<double>::quiet_NaN();
  written.write(path);
  EXPECT_NE(rejection(path).find("'many' holds numbers that are not finite"), std::string::npos);

  values[1'200'000] = 0;
  written.write(path);
  const TensorFile open = TensorFile::open(path);
  std::filesystem::resize_file(path, 5'000'000);  // by somebody else, meanwhile
  std::vector<std::byte> some(all.size());
  try {
    open.copy(*open.find("many"), 0, some);
    FAIL() << "read beyond the end";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
    EXPECT_NE(std::string(error.what()).find("truncated"), std::string::npos) << error.what();
  }
}

// What was checked is what is taken, though another writes into the file.
TEST(TensorFile, NoticesThatItWasWrittenSinceItWasOpened) {
  const test::TempFolder folder;
  const std::string path = folder / "a.kindred";
  const std::vector<float> values(5, 1.0F);
  TensorFile written;
  written.add({"five", DataType::f32, {5}, std::as_bytes(std::span(values))});
  written.write(path);
  const TensorFile open = TensorFile::open(path);
  std::vector<std::byte> bytes(20);
  open.copy(*open.find("five"), 0, bytes);
  const auto earlier = std::filesystem::last_write_time(path) - std::chrono::hours(1);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-4, std::ios::end);
    file.write("\0\0\xc0\x7f", 4);  // not a number
  }
  std::filesystem::last_write_time(path, earlier);
  try {
    open.copy(*open.find("five"), 0, bytes);
    FAIL() << "took what nobody has checked";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
    EXPECT_NE(std::string(error.what()).find("changed while it was read"), std::string::npos);
  }
}

TEST(TensorFile, HasTheLayoutOfSafetensors) {
  const test::TempFolder folder;
  const std::string path = folder / "a.kindred";
  write_sample(path);
  const std::vector<std::byte> bytes = read_file(path);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ((8 + length) % 64, 0u);
  ASSERT_EQ(bytes.size(), 8 + length + 24 + 16);
  EXPECT_EQ(static_cast<char>(bytes[8]), '{');
  EXPECT_EQ(std::memcmp(bytes.data() + 8 + length, kFloats.data(), 24), 0);
}

TEST(TensorFile, NoticesEachFlippedByte) {
  const test::TempFolder folder;
  const std::string path = folder / "a.kindred";
  write_sample(path);
  const std::vector<std::byte> sound = read_file(path);
  for (std::size_t i = 0; i < sound.size(); ++i) {
    std::vector<std::byte> damaged = sound;
    damaged[i] ^= std::byte{0x01};
    write_bytes(path, damaged);
    EXPECT_NE(rejection(path), "") << "byte " << i;
  }
}

TEST(TensorFile, NoticesEachLength) {
  const test::TempFolder folder;
  const std::string path = folder / "a.kindred";
  write_sample(path);
  const std::vector<std::byte> sound = read_file(path);
  for (std::size_t length = 0; length < sound.size(); ++length) {
    write_bytes(path, std::span(sound).first(length));
    EXPECT_NE(rejection(path), "") << length << " bytes";
  }
  std::vector<std::byte> longer = sound;
  longer.push_back(std::byte{0});
  write_bytes(path, longer);
  EXPECT_NE(rejection(path), "");
}

TEST(TensorFile, RefusesHostileHeaders) {
  const test::TempFolder folder;
  const std::string path = folder / "a.kindred";
  const std::string huge = R"("shape":[4611686018427387904,4],"data_offsets":[0,8])";
  for (const std::string& header : {
           std::string("{"),
           std::string("[]"),
           std::string("{\"a\":3}"),
           "{\"a\":{\"dtype\":\"F32\"," + huge + "}}",
           std::string(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})"),
           std::string(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})"),
           std::string(R"({"a":{"dtype":"X9","shape":[2],"data_offsets":[0,8]}})"),
           std::string(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})"),
           std::string(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"),
           std::string(R"({"__metadata__":{"data_xxh3":7}})"),
       }) {
    write_header(path, header, 8);
    EXPECT_NE(rejection(path), "") << header;
  }
}

// A header was looked through key by key: 80,000 arrays took seconds.
TEST(TensorFile, RefusesHeadersBeyondItsLimits) {
  const test::TempFolder folder;
  const std::string path = folder / "a.kindred";
  std::string many = "{";
  for (int i = 0; i < 80'000; ++i) {
    many += (i > 0 ? ",\"a" : "\"a") + std::to_string(i) +
            R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  }
  write_header(path, many + "}", 0);
  EXPECT_NE(rejection(path).find("more than"), std::string::npos) << rejection(path);
  write_header(path, "{\"a\":" + std::string(1'000'000, '['), 0);
  EXPECT_NE(rejection(path).find("nested more than"), std::string::npos) << rejection(path);
  write_header(
      path,
      "{\"" + std::string(300, 'n') + R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", 0);
  EXPECT_NE(rejection(path).find("name is too long"), std::string::npos) << rejection(path);
  // Extents that overflow together, of an array without bytes.
  write_header(path,
               R"({"a":{"dtype":"F32","shape":[0,4611686018427387904],"data_offsets":[0,0]}})", 0);
  EXPECT_NE(rejection(path), "");
}

// What could not be read again is not written.
TEST(TensorFile, WritesNothingBeyondItsLimits) {
  const test::TempFolder folder;
  const auto refused = [&](const TensorFile& file, const std::string& part) {
    test::expect_error(ErrorKind::recipe, part, [&] { file.check_fits(); });
    test::expect_error(ErrorKind::recipe, part, [&] { file.write(folder / "a.kindred"); });
  };
  TensorFile many;
  for (int i = 0; i <= 10'000; ++i) many.add({"a" + std::to_string(i), DataType::u8, {0}, {}});
  refused(many, "10001 arrays");
  TensorFile named;
  named.add({std::string(300, 'n'), DataType::u8, {0}, {}});
  refused(named, "300 bytes in the name");
  TensorFile texts;
  texts.metadata["class_names"] = std::string(100'000'001, 'n');
  test::expect_error(ErrorKind::recipe, "bytes of names and recipe", [&] { texts.check_fits(); });
}

TEST(TensorFile, NamesAMissingFile) {
  try {
    TensorFile::read("/nonexistent/model.kindred");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::no_input);
  }
}

}  // namespace
}  // namespace kindred
