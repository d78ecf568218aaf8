#include "kindred/train/tensor_file.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
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

std::string rejection(const std::string& path) {
  try {
    TensorFile::read(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
    return error.what();
  }
  return "";
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
