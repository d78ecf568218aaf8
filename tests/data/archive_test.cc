// What archives may hold, and what becomes of the rest.
#include "data/archive/archive.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "data/archive/source_files.h"
#include "kindred/data/dataset.h"
#include "kindred/data/import.h"
#include "support/tar_file.h"
#include "support/temp_folder.h"
#include "support/zip_file.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TarEntry;
using test::TempFolder;
using test::write_tar;
using test::write_zip;
using Names = std::vector<std::string>;

std::string pgm(char value) { return std::string("P5 1 1 255 ") + value; }
// Nothing that deflate makes smaller: 40 x 40.
std::string noise_pgm(unsigned seed) {
  std::string bytes = "P5 40 40 255 ";
  for (int i = 0; i < 1600; ++i)
    bytes += static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  return bytes;
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

ImportReport import(const TempFolder& folder, const std::string& archive) {
  return import_dataset(Names{folder / archive}, folder / "out.h5", {});
}

bool any_has(const Names& lines, const std::string& part) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(part) != line.npos; });
}

// A damaged entry made the whole import fail.
TEST(Archive, ADamagedEntryCostsOnlyItself) {
  const TempFolder folder;
  write_zip(folder / "in.zip",
            {{"a/1.pgm", noise_pgm(1)}, {"a/2.pgm", noise_pgm(2)}, {"b/3.pgm", noise_pgm(3)}});
  std::string bytes = bytes_of(folder / "in.zip");
  const std::size_t second = bytes.find("a/2.pgm");
  bytes[second + 300] = static_cast<char>(bytes[second + 300] ^ 0x55);
  bytes[second + 301] = static_cast<char>(bytes[second + 301] ^ 0x55);
  std::ofstream(folder / "in.zip", std::ios::binary) << bytes;
  const ImportReport report = import(folder, "in.zip");
  EXPECT_EQ(report.samples, 2);
  ASSERT_EQ(report.unreadable.size(), 1U);
  EXPECT_NE(report.unreadable[0].find("in.zip: a/2.pgm: is damaged: ZIP"), std::string::npos)
      << report.unreadable[0];
  EXPECT_EQ(Dataset::open(folder / "out.h5").paths(), (Names{"a/1.pgm", "b/3.pgm"}));
  expect_error(ErrorKind::data, "in.zip: a/2.pgm: is damaged", [&] {
    import_dataset(Names{folder / "in.zip"}, folder / "none.h5", {.strict = true});
  });
}

TEST(Archive, AnEntryThatIsTooLargeCostsOnlyItself) {
  const TempFolder folder;
  write_zip(folder / "in.zip", {{"a/1.pgm", pgm('a')},
                                {"a/2.pgm", std::string((std::size_t{64} << 20) + 1, '\0')},
                                {"b/3.pgm", pgm('b')}});
  const ImportReport report = import(folder, "in.zip");
  EXPECT_EQ(report.samples, 2);
  ASSERT_EQ(report.unreadable.size(), 1U);
  EXPECT_NE(report.unreadable[0].find("a/2.pgm: is larger than 64 MiB unpacked; it is not read"),
            std::string::npos);
}

TEST(Archive, LinksDevicesAndPipesAreListedNotRead) {
  const TempFolder folder;
  write_tar(folder / "in.tar", {{"a/", "", '5'},
                                {"a/1.pgm", pgm('a')},
                                {"a/2.pgm", "", '1', "a/1.pgm"},
                                {"a/3.pgm", "", '2', "/etc/passwd"},
                                {"a/4.pgm", "", '3'},
                                {"a/5.pgm", "", '6'},
                                {"a/6\033[2J.pgm", pgm('b')},
                                {"a/inner.zip", "PK"},
                                {"a/7.gif", "GIF89a"},
                                {"a/8.pgm", pgm('c')}});
  const ImportReport report = import(folder, "in.tar");
  EXPECT_EQ(report.samples, 2);
  EXPECT_EQ(report.skipped.size(), 7U);
  for (const char* line :
       {"in.tar: a/2.pgm: is a link, which is not followed",
        "in.tar: a/3.pgm: is a link, which is not followed",
        "in.tar: a/4.pgm: is a device, a pipe or a socket",
        "in.tar: a/5.pgm: is a device, a pipe or a socket",
        "in.tar: a/6\\x1B[2J.pgm: has control characters in its name",
        "in.tar: a/inner.zip: is an archive inside of a source, which is not opened",
        "in.tar: a/7.gif: is of a kind that is not read (GIF)"}) {
    EXPECT_TRUE(any_has(report.skipped, line)) << line;
  }
  EXPECT_TRUE(any_has(report.notes, "images of kinds that are not read: GIF 1; convert"));
}

TEST(Archive, EncryptedFilesAreListedNotRead) {
  const TempFolder folder;
  write_zip(folder / "in.zip", {{"a/1.pgm", pgm('a')}, {"a/2.pgm", pgm('b')}});
  std::string bytes = bytes_of(folder / "in.zip");
  for (const char* signature : {"PK\x03\x04", "PK\x01\x02"}) {
    const std::size_t at = bytes.rfind(signature);  // the flags of the second file
    bytes[at + (signature[2] == 3 ? 6 : 8)] |= 1;
  }
  std::ofstream(folder / "in.zip", std::ios::binary) << bytes;
  const ImportReport report = import(folder, "in.zip");
  EXPECT_EQ(report.samples, 1);
  EXPECT_TRUE(any_has(report.skipped, "in.zip: a/2.pgm: is encrypted"));
}

TEST(Archive, NamesAreUtf8InEveryLocale) {
  const TempFolder folder;
  write_zip(folder / "in.zip", {{"cafe/1.pgm", pgm('a')}});
  std::string bytes = bytes_of(folder / "in.zip");
  for (const char* signature : {"PK\x03\x04", "PK\x01\x02"}) {
    const std::size_t at = bytes.rfind(signature);
    bytes[at + (signature[2] == 3 ? 7 : 9)] |= 8;  // the flag that says UTF-8
    bytes.replace(bytes.find("cafe", at), 4, "ca\xC3\xA9");
  }
  std::ofstream(folder / "in.zip", std::ios::binary) << bytes;
  import(folder, "in.zip");
  EXPECT_EQ(Dataset::open(folder / "out.h5").paths(), (Names{"ca\xC3\xA9/1.pgm"}));
}

TEST(Archive, ATarOfADotIsReadLikeAnyOther) {
  const TempFolder folder;
  write_tar(folder / "in.tar",
            {{"./", "", '5'}, {"./a/1.pgm", pgm('a')}, {"./.x/1.pgm", pgm('b')}});
  const ImportReport report = import(folder, "in.tar");
  EXPECT_EQ(report.samples, 1);
  EXPECT_EQ(Dataset::open(folder / "out.h5").paths(), (Names{"a/1.pgm"}));
}

// A rank's first file may be the ten-thousandth: a call of the reader passes over some, no more.
TEST(Archive, FilesFarIntoItAreReached) {
  const TempFolder folder;
  std::vector<TarEntry> entries;
  for (int i = 0; i < 10'000; ++i) entries.push_back({"a/" + std::to_string(i) + ".pgm", "no"});
  entries.push_back({"b/last.pgm", "this one"});
  write_tar(folder / "in.tar", entries);
  const SourceFiles files(Names{folder / "in.tar"});
  const Index last = std::ssize(files.files()) - 1;
  int taken = 0;
  files.visit(std::span(&last, 1), [&](Index, FileContent content) {
    ++taken;
    EXPECT_EQ(content.error, "");
    EXPECT_EQ(content.bytes.size(), 8U);
    return true;
  });
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(files.content(last).size(), 8U);
}

TEST(Archive, HostileOnesAreRefusedWhole) {
  const TempFolder folder;
  const auto refused = [&](const std::vector<TarEntry>& entries, const std::string& why) {
    write_tar(folder / "in.tar", entries);
    expect_error(ErrorKind::data, why, [&] { import(folder, "in.tar"); });
    EXPECT_FALSE(std::filesystem::exists(folder / "out.h5"));
  };
  for (const char* name : {"../a/1.pgm", "/a/1.pgm", "a/../../1.pgm", "a/.."}) {
    refused({{name, pgm('a')}}, std::string("holds a file named '") + name +
                                    "', which lies outside of the archive; it is not read");
  }
  refused({{"a/1.pgm", pgm('a')}, {"a/1.pgm", pgm('b')}}, "a/1.pgm comes twice");
  refused({{"a/1.pgm", "", '0', "", 2LL << 30}},
          "in.tar: unpacks to more than 1024 MiB at a/1.pgm, over 200 times its size; it is taken "
          "for a bomb and not read");
  refused({{"a/1.pgm", "", '0', "", 1 << 20}}, "in.tar: archive is damaged or of an unknown kind");
}

TEST(Archive, LimitsHold) {
  const TempFolder folder;
  const auto read_all = [&](const Archive::Limits& limits) {
    Archive archive(folder / "in.tar.gz", limits);
    while (archive.next()) archive.read(1 << 20);
  };
  test::write_gzip(folder / "in.tar.gz",
                   test::tar_bytes({{"a/1.pgm", std::string(100'000, '\0')},
                                    {"a/2.pgm", std::string(100'000, '\0')},
                                    {"a/a-long-name.pgm", std::string(100'000, '\0')}}));
  read_all({});
  expect_error(ErrorKind::data, "in.tar.gz: holds more than 2 files",
               [&] { read_all({.files = 2}); });
  expect_error(ErrorKind::data, "holds a file whose name has 17 bytes; 16 are read",
               [&] { read_all({.name_bytes = 16}); });
  expect_error(ErrorKind::data, "at a/2.pgm, over 200 times its size; it is taken for a bomb",
               [&] { read_all({.bytes = 50'000}); });
}

}  // namespace
}  // namespace kindred
