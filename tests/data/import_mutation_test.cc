// Damaged images and archives: each is read or a message; nothing crashes, hangs or writes.
#include <gtest/gtest.h>
#include <libdeflate.h>
#include <sys/resource.h>
#include <turbojpeg.h>
#include <webp/encode.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "data/image/image.h"
#include "kindred/data/dataset.h"
#include "kindred/data/import.h"
#include "support/mutation.h"
#include "support/tar_file.h"
#include "support/temp_folder.h"
#include "support/zip_file.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::Mutator;
using test::TempFolder;
using Names = std::vector<std::string>;
using namespace std::string_literals;

constexpr int kSide = 24;

std::vector<std::uint8_t> picture(int channels) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(kSide * kSide * channels));
  unsigned noise = 7;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    noise = noise * 1664525 + 1013904223;
    pixels[i] = static_cast<std::uint8_t>(i / 3 + (noise >> 28));
  }
  return pixels;
}

std::string jpeg(int format, int sampling, int flags) {
  const tjhandle encoder = tjInitCompress();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  tjCompress2(encoder, picture(3).data(), kSide, 0, kSide, format, &bytes, &size, sampling, 80,
              flags);
  std::string file(reinterpret_cast<const char*>(bytes), size);
  tjFree(bytes);
  tjDestroy(encoder);
  // EXIF: turned by a quarter.
  const std::string exif = "Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"s;
  return file.substr(0, 2) + "\xFF\xE1\0"s + static_cast<char>(exif.size() + 2) + exif +
         file.substr(2);
}

std::string text_of(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string webp(bool lossless) {
  std::uint8_t* bytes = nullptr;
  const std::size_t size =
      lossless ? WebPEncodeLosslessRGB(picture(3).data(), kSide, kSide, 3 * kSide, &bytes)
               : WebPEncodeRGBA(picture(4).data(), kSide, kSide, 4 * kSide, 60, &bytes);
  std::string file(reinterpret_cast<const char*>(bytes), size);
  WebPFree(bytes);
  return file;
}

std::string bmp(char bits) {
  const std::string size("\x18\0\0\0", 4);
  std::string palette;
  for (int i = 0; bits == 8 && i < 256; ++i) palette += std::string(4, static_cast<char>(i));
  const std::string first = bits == 8 ? "\x36\x04\0\0"s : "\x36\0\0\0"s;
  return "BM" + std::string(8, '\0') + first + "\x28\0\0\0"s + size + size + "\1\0"s + bits +
         std::string(25, '\0') + palette + text_of(picture(bits / 8));
}

std::string decimal_pnm(int channels) {
  std::string file = (channels == 1 ? "P2" : "P3") + " 24 24 # side\n255\n"s;
  for (const std::uint8_t value : picture(channels)) file += std::to_string(value) + ' ';
  return file;
}

Names whole_images() {
  const Shape grey{.channels = 1, .height = kSide, .width = kSide};
  const Shape colour{.channels = 3, .height = kSide, .width = kSide};
  return {jpeg(TJPF_RGB, TJSAMP_420, 0),
          jpeg(TJPF_RGB, TJSAMP_444, TJFLAG_PROGRESSIVE),
          jpeg(TJPF_GRAY, TJSAMP_GRAY, 0),
          encode_png({grey, picture(1)}),
          encode_png({colour, picture(3)}),
          "P5 24 24 255\n" + text_of(picture(1)),
          "P5\n24 24\n65535\n" + text_of(picture(2)),
          "P6 24 24 255\n" + text_of(picture(3)),
          decimal_pnm(1),
          decimal_pnm(3),
          bmp(8),
          bmp(24),
          bmp(32),
          webp(true),
          webp(false)};
}

// The checksums of a PNG's chunks, made right: else libpng looks no further.
void mend_png(std::string& file) {
  std::size_t at = 8;
  while (at + 12 <= file.size()) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      length = length << 8 | static_cast<unsigned char>(file[at + i]);
    }
    if (length > file.size() - at - 12) return;
    const std::uint32_t sum = libdeflate_crc32(0, file.data() + at + 4, length + 4);
    for (std::size_t i = 0; i < 4; ++i) {
      file[at + 8 + length + i] = static_cast<char>(sum >> (24 - 8 * i));
    }
    at += 12 + length;
  }
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Names files_in(const TempFolder& folder) {
  Names names;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST(ImportMutations, EveryDamagedImageIsReadOrListed) {
  const Names whole = whole_images();
  const int count = test::in_long_tests(5000);
  Mutator mutate(20261122);
  std::vector<test::TarEntry> entries{{"a/whole.ppm", whole[7]}};
  for (int i = 0; i < count; ++i) {
    const std::string& file = whole[static_cast<std::size_t>(i) % whole.size()];
    std::string damaged = mutate(file, whole[mutate.below(whole.size())]);
    if (file.starts_with("\x89PNG") && mutate.below(4) > 0) mend_png(damaged);
    entries.push_back({"a/" + std::to_string(100'000 + i) + ".jpg", damaged});
  }
  const TempFolder folder;
  test::write_tar(folder / "in.tar", entries);
  const ImportReport report =
      import_dataset(Names{folder / "in.tar"}, folder / "out.h5", {.threads = 2, .size = {8, 8}});
  EXPECT_EQ(report.samples + static_cast<Index>(report.unreadable.size()), count + 1);
  EXPECT_GT(report.samples, count / 10);
  EXPECT_GT(static_cast<int>(report.unreadable.size()), count / 10);
  for (const std::string& line : report.unreadable) {
    EXPECT_EQ(line.find(folder / "in.tar: a/"), 0U) << line;
    EXPECT_EQ(line.find("crashed"), line.npos) << line;  // none of the libraries is known to
    EXPECT_EQ(line.find("takes more than"), line.npos) << line;
  }
  EXPECT_EQ(Dataset::open(folder / "out.h5").size(), report.samples);
  import_dataset(Names{folder / "in.tar"}, folder / "one.h5", {.threads = 1, .size = {8, 8}});
  EXPECT_EQ(bytes_of(folder / "out.h5"), bytes_of(folder / "one.h5"));
  EXPECT_EQ(files_in(folder), (Names{"in.tar", "one.h5", "out.h5"}));
#if !defined(__SANITIZE_ADDRESS__)
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  EXPECT_LT(used.ru_maxrss, 1'300'000) << "KiB; a decoder may use 1 GiB more than this process";
#endif
}

TEST(ImportMutations, EveryDamagedArchiveIsReadOrRefused) {
  const TempFolder folder;
  const Names images = whole_images();
  std::vector<std::pair<std::string, std::string>> files;
  std::vector<test::TarEntry> entries;
  for (std::size_t i = 0; i < 5; ++i) {
    files.push_back(
        {"c" + std::to_string(i % 2) + "/" + std::to_string(i) + ".jpg", images[i + 3]});
    entries.push_back({files.back().first, files.back().second});
  }
  test::write_zip(folder / "x.zip", files);
  test::write_gzip(folder / "x.gz", test::tar_bytes(entries));
  const std::array<std::pair<std::string, std::string>, 3> whole{
      {{"in.zip", bytes_of(folder / "x.zip")},
       {"in.tar", test::tar_bytes(entries)},
       {"in.tar.gz", bytes_of(folder / "x.gz")}}};
  const Names before = files_in(folder);
  Mutator mutate(5);
  int read = 0;
  const int count = test::in_long_tests(1500);
  for (int i = 0; i < count; ++i) {
    const auto& [name, bytes] = whole[static_cast<std::size_t>(i) % whole.size()];
    const std::string damaged = mutate(bytes, whole[mutate.below(whole.size())].second);
    std::ofstream(folder / name, std::ios::binary) << damaged;
    try {
      import_dataset(Names{folder / name}, folder / "out.h5", {.threads = 1, .size = {8, 8}});
      fs::remove(folder / "out.h5");
      ++read;
    } catch (const Error& error) {
      EXPECT_TRUE(error.kind() == ErrorKind::data || error.kind() == ErrorKind::usage)
          << i << ": " << error.what();
      EXPECT_EQ(std::string(error.what()).find("crashed"), std::string::npos) << error.what();
    }
    fs::remove(folder / name);
    ASSERT_EQ(files_in(folder), before) << i;
  }
  EXPECT_GT(read, count / 10);
  EXPECT_LT(read, count);
}

}  // namespace
}  // namespace kindred
