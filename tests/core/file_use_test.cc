#include "kindred/core/file_use.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/temp_folder.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

class FileUseTest : public testing::Test {
 protected:
  FileUseTest() {
    for (const char* name : {"input", "other", "in/a/1", "in/a/2"}) {
      fs::create_directories(fs::path(path(name)).parent_path());
      std::ofstream(path(name)) << name;
    }
    fs::create_symlink("input", path("link"));
    fs::create_hard_link(path("input"), path("second"));
    fs::create_symlink("in", path("linked"));
  }
  std::string path(const std::string& name) const { return folder_ / name; }

  /// Refused before anything is done: both files are as they were.
  void expect_refused(const FileUse& files, const std::string& message) const {
    expect_error(ErrorKind::usage, message, [&] { files.check(); });
  }

  test::TempFolder folder_;
};

TEST_F(FileUseTest, AnOutputIsNoInputUnderAnyName) {
  for (const char* name : {"input", "link", "second", "in/../input", "./link"}) {
    for (const char* input : {"input", "link", "second", "input:/group"}) {
      FileUse files;
      files.reads(path("other"));
      files.reads(path(input));
      files.writes(path("new"));
      files.writes(path(name));
      expect_refused(files, path(name) + ": is read");
    }
  }
  FileUse files;
  files.reads(path("input"));
  files.reads(path("missing"));
  files.writes(path("other"));
  files.check();
}

TEST_F(FileUseTest, AnOutputIsNoOtherOutput) {
  const std::pair<const char*, const char*> pairs[] = {
      {"other", "other"},    {"input", "link"},        {"new", "new"},
      {"new", "in/../new"},  {"in/new", "linked/new"}, {"made/new", "./made/sub/../new"},
      {"second", "./input"},
  };
  for (const auto& [one, two] : pairs) {
    FileUse files;
    files.makes(path("made"));
    files.writes(path(one));
    files.writes(path(two));
    expect_refused(files, "would be written twice");
  }
  FileUse files;
  files.writes(path("new"));
  files.writes(path("newer"));
  files.writes(path("in/new"));
  files.check();
  EXPECT_FALSE(fs::exists(path("new")));
}

TEST_F(FileUseTest, AnOutputIsNoFileOfAFolderThatIsRead) {
  FileUse files;
  files.reads(path("linked"));
  files.writes(path("in/new"));
  files.check();
  FileUse beside = files;
  files.writes(path("in/a/1"));
  expect_refused(files, "lies in " + path("linked") + ", which is read");
  beside.writes_beside_inputs(path("in/a/1"));
  beside.check();
  FileUse itself;
  itself.reads(path("in"));
  itself.writes_beside_inputs(path("in"));
  expect_refused(itself, "is read");
}

TEST_F(FileUseTest, DevicesTakeAsManyAsThereAre) {
  FileUse files;
  files.reads(path("input"));
  files.writes("/dev/null");
  files.writes("/dev/null");
  files.check();
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);  // two files would be mixed
  files.writes(path("pipe"));
  files.check();
  files.writes(path("pipe"));
  expect_refused(files, "would be written twice");
}

// A picture of the source folder was written over under a second name that lies elsewhere.
TEST_F(FileUseTest, AnOutputIsNoSecondNameOfAFileInAFolderThatIsRead) {
  fs::create_hard_link(path("in/a/2"), path("twin"));
  for (const bool beside : {false, true}) {
    FileUse files;
    files.reads(path("linked"));
    beside ? files.writes_beside_inputs(path("twin")) : files.writes(path("twin"));
    expect_refused(files, path("twin") + ": is read (as " + path("linked") + "/a/2)");
  }
  FileUse itself;  // an earlier output that lies there has no other name there
  itself.reads(path("in"));
  itself.writes_beside_inputs(path("in/a/2"));
  itself.check();
  FileUse apart;
  apart.reads(path("in"));
  apart.writes(path("second"));  // of a file that is not in it
  apart.check();
}

TEST_F(FileUseTest, WhatIsOfAnotherKindStays) {
  const std::pair<const char*, const FileKind*> rows[] = {
      {" \n{\"a\": 1}", &kJsonFile},
      {"[1, 2]", &kJsonFile},
      {"\x89PNG\r\n\x1a\nIHDR", &kPngFile},
      {"<!DOCTYPE html>\n<p>", &kHtmlFile},
      {"<?xml version=\"1.0\"?>\n<svg/>", &kSvgFile},
  };
  std::ofstream(path("empty")).close();
  for (const auto& [content, own] : rows) {
    std::ofstream(path("there")) << content;
    for (const FileKind* kind : {&kJsonFile, &kPngFile, &kHtmlFile, &kSvgFile}) {
      FileUse files;
      for (const char* name : {"new", "empty"}) files.writes(path(name), kind);
      files.writes(path("there"), kind);
      if (kind == own) {
        files.check();
      } else {
        expect_refused(files, path("there") + ": exists and is not " + std::string(kind->name) +
                                  ", so it is not replaced; name another output, or move it away");
      }
      FileUse without;  // what the work can do without must cost nobody anything either
      without.may_write(path("there"), kind);
      if (kind != own) expect_refused(without, "is not replaced");
    }
  }
  fs::create_symlink("other", path("to other"));
  FileUse behind;
  behind.writes(path("to other"), &kJsonFile);
  expect_refused(behind, "exists and is not JSON");
  FileUse device;
  device.writes("/dev/null", &kJsonFile);
  device.check();
}

TEST_F(FileUseTest, AnOutputHasAName) {
  FileUse files;
  files.writes("");
  expect_refused(files, "its name is empty");
}

TEST_F(FileUseTest, OutputsAreKeptFromOthersWhileTheyAreLocked) {
  FileUse files;
  files.writes(path("other"));
  files.writes(path("new"));
  files.writes("/dev/null");
  files.writes_locked(path("by itself"));
  files.may_write(path("perhaps"));
  FileUse same;
  same.writes(path("in/../new"));
  {
    const OutputLocks held = files.lock();
    EXPECT_EQ(held.unsupported(), "");
    expect_error(ErrorKind::cannot_create,
                 "another process (pid " + std::to_string(::getpid()) + " on ",
                 [&] { static_cast<void>(same.lock()); });
    EXPECT_FALSE(fs::exists(path("by itself.lock")));
    EXPECT_FALSE(fs::exists(path("perhaps.lock")));
  }
  static_cast<void>(same.lock());
  EXPECT_FALSE(fs::exists(path("new.lock")));
  EXPECT_FALSE(fs::exists(path("other.lock")));
}

TEST_F(FileUseTest, WhatCannotBeWrittenIsFoundAtOnce) {
  const auto expect_impossible = [](const FileUse& files, const std::string& message) {
    expect_error(ErrorKind::cannot_create, message, [&] { files.check(); });
  };
  FileUse folder;
  folder.writes(path("in"));
  expect_impossible(folder, "it is a folder");
  FileUse missing;
  missing.writes(path("made/sub/new"));
  expect_impossible(missing, "its folder " + path("made/sub") + ": No such file");
  missing.makes(path("made"));
  missing.check();
  EXPECT_FALSE(fs::exists(path("made")));
  FileUse without;  // what the work can do without is only kept from the inputs
  without.reads(path("input"));
  without.may_write(path("in"));
  without.check();
  without.may_write(path("link"));
  expect_refused(without, "is read");
  FileUse near_it;
  near_it.makes(path("mad"));
  near_it.writes(path("made/new"));
  expect_impossible(near_it, "its folder");
  FileUse file;
  file.makes(path("input/run"));
  expect_impossible(file, "cannot create the folder");
  FileUse over;
  over.makes(path("input"));
  expect_impossible(over, "cannot create the folder");
}

}  // namespace
}  // namespace kindred
