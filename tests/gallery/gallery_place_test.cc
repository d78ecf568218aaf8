// A gallery's file belongs to its name, and what SQLite leaves beside it to the file.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "gallery/gallery_files.h"
#include "support/error_of.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::some_pictures;

class GalleryPlaceTest : public testing::Test {
 protected:
  static void expect_moved(const std::string& message) {
    EXPECT_NE(message.find("g.db: was moved, removed or replaced while it was in use"),
              std::string::npos)
        << message;
  }

  test::TempFolder folder_;
  std::string path_ = folder_ / "g.db";
};

// SQLite once played another gallery's last changes into the new one.
TEST_F(GalleryPlaceTest, IsNotMadeBesideWhatAnotherLeft) {
  fs::create_directory(folder_ / "far");
  fs::create_symlink(folder_ / "far/real.db", folder_ / "link.db");
  for (const char* const end : {"-wal", "-shm", "-journal"}) {
    for (const bool by_link : {false, true}) {
      const std::string left = (by_link ? folder_ / "far/real.db" : path_) + end;
      std::ofstream(left) << "somebody's last pictures";
      const std::string made = by_link ? folder_ / "link.db" : path_;
      const std::string message = test::error_of(
          [&] { PictureGallery::create(made, test::small_model()); }, ErrorKind::cannot_create);
      EXPECT_NE(message.find(std::string(end) +
                             ": is left of an earlier gallery of that name; remove it, or name"),
                std::string::npos)
          << message;
      EXPECT_FALSE(fs::exists(made)) << end;
      EXPECT_EQ(test::bytes_of_file(left), "somebody's last pictures");
      fs::remove(left);
    }
  }
  PictureGallery::create(path_, test::small_model());
  EXPECT_EQ(PictureGallery(path_).size(), 0);
}

TEST_F(GalleryPlaceTest, ChangesNothingThatNobodyFinds) {
  const std::string elsewhere = folder_ / "elsewhere.db";
  PictureGallery::create(path_, test::small_model());
  PictureGallery gallery(path_, GalleryAccess::write);
  gallery.add(some_pictures(0, 3));
  const std::vector<Index> ids{1};
  const auto expect_refused = [&] {
    const auto adds = [&] { gallery.add(some_pictures(7, 1)); };
    expect_moved(test::error_of(adds, ErrorKind::io));
    expect_moved(test::error_of([&] { gallery.remove(ids); }, ErrorKind::io));
    expect_moved(test::error_of([&] { gallery.set_thresholds({}); }, ErrorKind::io));
    EXPECT_EQ(gallery.size(), 3);
  };
  fs::rename(path_, elsewhere);
  expect_refused();
  std::ofstream(path_) << "another file";
  expect_refused();
  // Put back, it is what it was.
  fs::rename(elsewhere, path_);
  gallery.add(some_pictures(7, 1));
  EXPECT_EQ(PictureGallery(path_).size(), 4);
  fs::remove(path_);
  EXPECT_EQ(gallery.size(), 4);
  expect_moved(test::error_of([&] { gallery.remove(ids); }, ErrorKind::io));
}

TEST_F(GalleryPlaceTest, DiscardsItsOwnFileAlone) {
  PictureGallery::create(path_, test::small_model());
  PictureGallery gallery(path_, GalleryAccess::write);
  gallery.add(some_pictures(0, 3));
  PictureGallery::discard(std::move(gallery));
  for (const char* const end : {"", "-wal", "-shm"}) EXPECT_FALSE(fs::exists(path_ + end)) << end;
  PictureGallery::create(path_, test::small_model());
  PictureGallery replaced(path_, GalleryAccess::write);
  fs::rename(path_, folder_ / "elsewhere.db");
  std::ofstream(path_) << "another file";
  PictureGallery::discard(std::move(replaced));
  EXPECT_EQ(test::bytes_of_file(path_), "another file");
}

}  // namespace
}  // namespace kindred
