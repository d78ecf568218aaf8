#include "core/files/made_folders.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "kindred/core/file.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

TEST(MadeFolders, GoAgainWhereTheyAreEmptyAndNotKept) {
  const test::TempFolder folder;
  for (const char* path : {"a", "b/c/d", "e/", "f/../g/h", "b//i"}) {
    {
      MadeFolders made;
      made.make(folder / path);
      EXPECT_TRUE(fs::is_directory(folder / path)) << path;
      made.make(folder / path);  // is there
    }
    fs::remove(folder / "f");
    EXPECT_TRUE(fs::is_empty(folder.path())) << path;
    if (std::string(path) == "e/") fs::create_directory(folder / "f");
  }
}

TEST(MadeFolders, StayWhereSomethingIsInThemOrTheyWereThere) {
  const test::TempFolder folder;
  fs::create_directory(folder / "there");
  {
    MadeFolders made;
    made.make(folder / "there/a/b");
    made.make(folder / "c");
    std::ofstream(folder / "there/a/file") << "x";
    made.make(folder / "d/e");
    fs::remove(folder / "c");
  }
  EXPECT_TRUE(fs::exists(folder / "there/a/file"));
  EXPECT_FALSE(fs::exists(folder / "there/a/b"));
  EXPECT_FALSE(fs::exists(folder / "d"));
  {
    MadeFolders made;
    made.make(folder / "d/e");
    made.keep();
  }
  EXPECT_TRUE(fs::exists(folder / "d/e"));
  make_folders(folder / "f/g");
  EXPECT_TRUE(fs::exists(folder / "f/g"));
}

TEST(MadeFolders, ANewOneIsNobodyElses) {
  const test::TempFolder folder;
  MadeFolders made;
  EXPECT_TRUE(made.make_new(folder / "runs/a"));
  EXPECT_FALSE(made.make_new(folder / "runs/a"));
  std::ofstream(folder / "runs/b") << "x";
  EXPECT_FALSE(made.make_new(folder / "runs/b"));
}

TEST(MadeFolders, AreRefusedWhereSomethingElseStands) {
  const test::TempFolder folder;
  std::ofstream(folder / "file") << "x";
  for (const char* path : {"file", "file/a", "file/a/b"}) {
    expect_error(ErrorKind::cannot_create, "cannot create the folder: Not a directory",
                 [&] { make_folders(folder / path); });
  }
  expect_error(ErrorKind::cannot_create, "cannot create the folder: File name too long",
               [&] { make_folders(folder / ("a/" + std::string(300, 'n'))); });
  EXPECT_FALSE(fs::exists(folder / "a"));
}

}  // namespace
}  // namespace kindred
