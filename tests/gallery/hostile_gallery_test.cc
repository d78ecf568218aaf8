// A gallery is a file that others may have written: what is in it is not believed.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "gallery/gallery_files.h"
#include "kindred/core/random.h"
#include "support/error_of.h"

namespace kindred {
namespace {

class HostileGallery : public testing::Test {
 protected:
  HostileGallery() {
    PictureGallery::create(path_, test::small_model());
    PictureGallery(path_, GalleryAccess::write).add(test::some_pictures(0, 20));
  }

  /// What somebody does to it with SQLite.
  void change(const std::string& sql) const {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
        << (message == nullptr ? "" : message);
    sqlite3_free(message);
    sqlite3_close(handle);
  }

  /// All that reads.
  void use() const {
    const PictureGallery gallery(path_, GalleryAccess::read, 1);
    static_cast<void>(gallery.model());
    static_cast<void>(gallery.identities());
    for (const GalleryPicture& picture : gallery.pictures()) {
      static_cast<void>(gallery.thumbnail(picture.id));
    }
    static_cast<void>(gallery.thresholds());
    const Workers workers(1);
    static_cast<void>(gallery.find(workers, Matrix(1, gallery.facts().dimension), 3));
    static_cast<void>(gallery.identify(workers, Matrix(1, gallery.facts().dimension)));
  }
  std::string fault() const {
    return test::error_of([this] { use(); }, ErrorKind::data);
  }

  test::TempFolder folder_;
  std::string path_ = folder_ / "g.db";
};

struct Change {
  const char* sql;
  const char* message;
};

TEST_F(HostileGallery, IsRefusedWhereItSaysWhatCannotBe) {
  const Change changes[] = {
      {"UPDATE embeddings SET vector = x'0000' WHERE picture = 3", "embedding of picture 3 has 2"},
      {"UPDATE embeddings SET vector = x'0000c07f"
       "0000c07f0000c07f0000c07f0000c07f0000c07f"
       "0000c07f0000c07f' WHERE picture = 3",
       "length nan"},
      {"DELETE FROM embeddings WHERE picture = 3", "picture 3 has no embedding"},
      {"DELETE FROM pictures WHERE id = 20", "embedding of no picture"},
      {"DELETE FROM identities", "is not as a gallery has it"},
      {"UPDATE pictures SET width = -1", "is not as a gallery has it"},
      {"UPDATE pictures SET path = CAST(x'ff' AS TEXT) WHERE id = 2", "is not as a gallery has it"},
      {"UPDATE identities SET name = CAST(x'ff' || id AS TEXT)", "no UTF-8"},
      {"UPDATE thumbnails SET jpeg = zeroblob(2000000)", "has 2000000 bytes"},
      {"UPDATE meta SET value = '0' WHERE key = 'dimension'", "its dimension is '0'"},
      {"UPDATE meta SET value = '99999999999' WHERE key = 'dimension'", "its dimension is"},
      {"UPDATE meta SET value = '9' WHERE key = 'dimension'", "has 32 bytes, expected 36"},
      {"DELETE FROM meta WHERE key = 'removals'", "its removals is ''"},
      {"INSERT INTO meta VALUES ('threshold.identify', 'nan')", "is no number"},
      {"UPDATE meta SET value = 'x' WHERE key = 'model_fingerprint'", "its model is another"},
      {"DELETE FROM model", "its first field"},
      {"UPDATE model SET part = 1", "a part of its model is missing"},
      {"UPDATE model SET bytes = substr(bytes, 1, length(bytes) - 1)", "its model"},
      {"CREATE TABLE more (x)", "has 'more'"},
      {"CREATE VIEW more AS SELECT 1", "has 'more'"},
      {"CREATE TRIGGER more AFTER INSERT ON pictures BEGIN DELETE FROM pictures; END",
       "has 'more'"},
      {"DROP TABLE thumbnails", "has no 'thumbnails'"},
      {"ALTER TABLE meta ADD COLUMN more TEXT", "its 'meta' is not as a gallery has it"},
      {"DROP INDEX pictures_of_path", "has no 'pictures_of_path'"},
      {"PRAGMA user_version = 2", "is a gallery of format 2, of a newer Kindred"},
      {"PRAGMA user_version = 0", "is a gallery of format 0, expected 1"},
      {"PRAGMA application_id = 1", "is no gallery: it is an SQLite file of another program"},
  };
  const std::string good = test::bytes_of_file(path_);
  EXPECT_NO_THROW(use());
  for (const Change& each : changes) {
    std::ofstream(path_, std::ios::binary) << good;
    std::filesystem::remove(path_ + "-wal");
    std::filesystem::remove(path_ + "-shm");
    change(each.sql);
    const std::string message = fault();
    EXPECT_NE(message.find(each.message), std::string::npos) << each.sql << "\n" << message;
    EXPECT_NE(message.find(path_), std::string::npos) << message;
  }
}

TEST_F(HostileGallery, IsNoFileOfAnotherKindAndThoseStayAsTheyAre) {
  const auto message = [this](const std::string& name, GalleryAccess access) {
    return test::error_of([&] { PictureGallery(folder_ / name, access, 0); }, ErrorKind::data);
  };
  std::ofstream(folder_ / "empty");
  std::ofstream(folder_ / "text") << std::string(5000, 'x');
  std::ofstream(folder_ / "short") << "SQLite format 3";
  std::filesystem::create_directory(folder_ / "folder");
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ / "foreign").c_str(), &handle), SQLITE_OK);
  sqlite3_exec(handle, "PRAGMA journal_mode = WAL; CREATE TABLE places (x)", nullptr, nullptr,
               nullptr);
  sqlite3_close(handle);
  const std::string before = test::bytes_of_file(folder_ / "foreign");
  for (const GalleryAccess access : {GalleryAccess::read, GalleryAccess::write}) {
    EXPECT_NE(message("empty", access).find("is empty"), std::string::npos);
    EXPECT_NE(message("text", access).find("it is no SQLite file"), std::string::npos);
    EXPECT_NE(message("short", access).find("is no gallery"), std::string::npos);
    EXPECT_NE(message("folder", access).find("is a folder"), std::string::npos);
    EXPECT_NE(message("pipe", access).find("is no regular file"), std::string::npos);
    EXPECT_NE(message("foreign", access).find("of another program"), std::string::npos);
    test::error_of([&] { PictureGallery(folder_ / "none", access, 0); }, ErrorKind::no_input);
  }
  EXPECT_EQ(test::bytes_of_file(folder_ / "foreign"), before);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "foreign-wal"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "foreign-shm"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "none"));
}

// Whatever bytes there are: an answer, or an error that says what is wrong.
TEST_F(HostileGallery, BreaksNothingWhereBytesAreOthers) {
  const std::string good = test::bytes_of_file(path_);
  Random random(4, Purpose::test, 0);
  int refused = 0;
  for (int i = 0; i < 200; ++i) {
    std::string bad = good;
    for (int n = 0; n < 1 + i % 20; ++n) {
      // Half of them where the tables' own pages are, before the model.
      const Index most = i % 2 == 0 ? static_cast<Index>(bad.size()) : Index{3 * 8192};
      bad[static_cast<std::size_t>(random.below(most))] = static_cast<char>(random.below(256));
    }
    if (i % 10 == 9) {
      bad.resize(static_cast<std::size_t>(random.below(static_cast<Index>(bad.size()))));
    }
    std::ofstream(path_, std::ios::binary) << bad;
    std::filesystem::remove(path_ + "-wal");
    std::filesystem::remove(path_ + "-shm");
    try {
      use();
    } catch (const Error& error) {
      ++refused;
      EXPECT_NE(error.kind(), ErrorKind::internal) << error.what();
    }
  }
  EXPECT_GT(refused, 50);
}

}  // namespace
}  // namespace kindred
