#include "kindred/gallery/gallery.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <thread>

#include "gallery/database.h"
#include "gallery/gallery_files.h"
#include "kindred/eval/neighbors.h"
#include "kindred/train/embedder.h"
#include "support/error_of.h"

namespace kindred {
namespace {

using test::digest_of;
using test::picture;
using test::some_pictures;

class GalleryOfPictures : public testing::Test {
 protected:
  GalleryOfPictures() { PictureGallery::create(path_, test::small_model()); }

  PictureGallery open(GalleryAccess access = GalleryAccess::write) const {
    return PictureGallery(path_, access, 1);
  }

  test::TempFolder folder_;
  std::string path_ = folder_ / "g.db";
  Workers workers_{2};
};

TEST_F(GalleryOfPictures, IsNewWithItsModelInIt) {
  const PictureGallery gallery = open(GalleryAccess::read);
  EXPECT_EQ(gallery.size(), 0);
  EXPECT_EQ(gallery.facts().dimension, 8);
  EXPECT_TRUE(gallery.facts().keeps_thumbnails);
  const Model own = gallery.model();
  const Model given = read_model(test::small_model());
  EXPECT_EQ(own.fingerprint, given.fingerprint);
  EXPECT_EQ(gallery.facts().model_fingerprint, given.fingerprint);
  EXPECT_EQ(own.recipe, given.recipe);
  EXPECT_EQ(own.parameters.size(), given.parameters.size());
  EXPECT_EQ(gallery.snapshot()->size(), 0);
  EXPECT_TRUE(gallery.find(workers_, Matrix(1, 8), 3).front().empty());
  EXPECT_EQ(kGalleryFile.is(path_), true);
  EXPECT_EQ(kGalleryFile.is(test::small_model()), false);
}

TEST_F(GalleryOfPictures, IsItsOwnersAlone) {
  const mode_t before = ::umask(0);
  {
    const std::string other = folder_ / "other.db";
    PictureGallery::create(other, test::small_model());
    PictureGallery gallery(other, GalleryAccess::write);
    gallery.add(some_pictures(0, 3));
    for (const char* const end : {"", "-wal", "-shm"}) {
      EXPECT_EQ(test::rights_of(other + end), 0600) << end;
    }
  }
  ::umask(before);
}

TEST_F(GalleryOfPictures, KeepsWhatWasAdded) {
  const std::vector<NewGalleryPicture> pictures = some_pictures(0, 5);
  const std::vector<GalleryPlace> places = open().add(pictures);
  PictureGallery gallery = open(GalleryAccess::read);
  const std::vector<GalleryPicture> found = gallery.pictures();
  ASSERT_EQ(found.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(found[i].id, places[i].id);
    EXPECT_FALSE(places[i].was_there);
    EXPECT_EQ(found[i].path, pictures[i].path);
    EXPECT_EQ(found[i].digest, pictures[i].digest);
    EXPECT_EQ(found[i].identity, pictures[i].identity);
    EXPECT_EQ(found[i].height, 10);
    EXPECT_EQ(found[i].width, 20);
    EXPECT_EQ(gallery.thumbnail(found[i].id), pictures[i].thumbnail);
  }
  const std::vector<GalleryIdentity> identities = gallery.identities();
  ASSERT_EQ(identities.size(), 4U);  // of 0, 1, 3, 4
  EXPECT_EQ(identities[0].name, "person 0");
  EXPECT_EQ(identities[0].pictures, 1);
  EXPECT_EQ(gallery.ids_of_path("photos/3.jpg"), std::vector<Index>{places[3].id});
  EXPECT_EQ(gallery.ids_of_identity("person 4"), std::vector<Index>{places[4].id});
  EXPECT_TRUE(gallery.ids_of_identity("nobody").empty());
}

TEST_F(GalleryOfPictures, NoticesTheSameBytes) {
  PictureGallery gallery = open();
  const Index first = gallery.add(some_pictures(0, 3))[1].id;
  NewGalleryPicture again = picture(1, "somebody else", test::random_embedding(9));
  again.path = "copy.jpg";
  const std::vector<NewGalleryPicture> both{again, picture(7, "", test::random_embedding(7)),
                                            again};
  const std::vector<GalleryPlace> places = gallery.add(both);
  EXPECT_TRUE(places[0].was_there);
  EXPECT_EQ(places[0].id, first);
  EXPECT_EQ(places[0].identity, "person 1");
  EXPECT_FALSE(places[1].was_there);
  EXPECT_TRUE(places[2].was_there);
  EXPECT_EQ(gallery.size(), 4);
  EXPECT_TRUE(gallery.ids_of_identity("somebody else").empty());
  const std::vector<std::string> digests{digest_of(7), digest_of(8)};
  EXPECT_EQ(gallery.ids_of_digests(digests), (std::vector<Index>{places[1].id, 0}));
}

TEST_F(GalleryOfPictures, KeepsNoThumbnailsWhereNoneAreWanted) {
  const std::string other = folder_ / "other.db";
  PictureGallery::create(other, test::small_model(), false);
  PictureGallery gallery(other, GalleryAccess::write);
  gallery.add(some_pictures(0, 2));
  EXPECT_FALSE(gallery.pictures()[0].has_thumbnail);
  EXPECT_EQ(gallery.thumbnail(1), "");
  EXPECT_EQ(test::bytes_of_file(other).find("thumbnail 1"), std::string::npos);
}

TEST_F(GalleryOfPictures, AddsAllOrNothing) {
  PictureGallery gallery = open();
  std::vector<NewGalleryPicture> pictures = some_pictures(0, 3);
  pictures[2].embedding[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(test::error_of([&] { gallery.add(pictures); }, ErrorKind::data).find("length nan"),
            std::string::npos);
  pictures[2].embedding.resize(7);
  EXPECT_EQ(test::error_of([&] { gallery.add(pictures); }, ErrorKind::data),
            "photos/2.jpg: its embedding has 7 numbers; the gallery's have 8");
  pictures[2] = picture(2, "", std::vector<float>(8, 1e-20F));
  EXPECT_NE(test::error_of([&] { gallery.add(pictures); }, ErrorKind::data).find("length"),
            std::string::npos);
  EXPECT_EQ(gallery.size(), 0);
  EXPECT_TRUE(gallery.identities().empty());
}

/// Neither the file nor what SQLite keeps beside it has these bytes.
void expect_gone(const std::string& path, const std::string& bytes, const std::string& what) {
  for (const char* const end : {"", "-wal", "-shm", "-journal"}) {
    if (!std::filesystem::exists(path + end)) continue;
    EXPECT_EQ(test::bytes_of_file(path + end).find(bytes), std::string::npos) << what << end;
  }
}

std::string bytes_of(const std::vector<float>& embedding) {
  return {reinterpret_cast<const char*>(embedding.data()), embedding.size() * sizeof(float)};
}

TEST_F(GalleryOfPictures, LeavesNoByteOfWhatWasRemoved) {
  PictureGallery gallery = open();
  // In several steps and in an order that SQLite has to make room for, so that it moves cells.
  for (Index first = 0; first < 400; first += 40) {
    std::vector<NewGalleryPicture> pictures = some_pictures((first * 7) % 400, 40);
    for (NewGalleryPicture& each : pictures) {
      each.path = "album " + each.digest.substr(60) + "/face.jpg";
      each.identity = each.identity.empty() ? "" : each.identity + " of " + each.digest.substr(61);
      each.thumbnail += " of " + each.path + std::string(300, 'x') + each.digest;
    }
    gallery.add(pictures);
  }
  const std::vector<GalleryPicture> all = gallery.pictures();
  std::vector<Index> ids;
  for (std::size_t i = 1; i < all.size(); i += 2) ids.push_back(all[i].id);
  std::vector<std::string> secrets;
  for (const Index id : ids) {
    const GalleryPicture& each = all[static_cast<std::size_t>(id) - 1];
    secrets.push_back(gallery.thumbnail(id));
    secrets.push_back(each.path);
    secrets.push_back(each.digest);
    secrets.push_back(bytes_of(test::random_embedding(std::stoll(each.digest))));
    if (!each.identity.empty()) secrets.push_back(each.identity);
  }
  const std::string before = test::bytes_of_file(path_) + test::bytes_of_file(path_ + "-wal");
  for (const std::string& secret : secrets) {
    ASSERT_NE(before.find(secret), std::string::npos);
    EXPECT_NE(secret, "");
  }
  EXPECT_EQ(gallery.remove(ids), static_cast<Index>(ids.size()));
  for (const std::string& secret : secrets) expect_gone(path_, secret, secret);
  // What stays is there.
  const std::vector<GalleryPicture> left = gallery.pictures();
  ASSERT_EQ(left.size(), all.size() - ids.size());
  EXPECT_EQ(left[1].path, all[2].path);
  EXPECT_EQ(left[1].id, all[2].id);
  EXPECT_NE(gallery.thumbnail(left[1].id), "");
  for (const GalleryIdentity& identity : gallery.identities()) EXPECT_GT(identity.pictures, 0);
  EXPECT_EQ(gallery.remove(ids), 0);
}

// A process that is killed between removing and writing the file anew.
TEST_F(GalleryOfPictures, FinishesARemoveThatWasCutOff) {
  const std::vector<NewGalleryPicture> pictures = some_pictures(0, 40);
  const std::string secret = bytes_of(pictures[7].embedding);
  {
    PictureGallery gallery = open();
    gallery.add(pictures);
    // Somebody reads: the old pages have to stay.
    const PictureGallery reader = open(GalleryAccess::read);
    Database other(path_, Database::Mode::read, 0);
    Transaction reading(other, Transaction::Kind::reads);
    EXPECT_EQ(other.number("SELECT count(*) FROM pictures"), 40);
    const std::vector<Index> ids{8};
    const std::string message =
        test::error_of([&] { gallery.remove(ids); }, ErrorKind::cannot_create);
    EXPECT_NE(message.find("removed and found no more, but its bytes stay in the file until the "
                           "same `kindred gallery remove` is run again"),
              std::string::npos)
        << message;
    EXPECT_NE(message.find("other processes read it"), std::string::npos) << message;
    EXPECT_EQ(gallery.size(), 39);
  }
  EXPECT_TRUE(open().finished_remove());
  EXPECT_FALSE(open().finished_remove());
  expect_gone(path_, secret, "embedding");
}

TEST_F(GalleryOfPictures, NeverGivesANumberTwice) {
  PictureGallery gallery = open();
  gallery.add(some_pictures(0, 3));
  const std::vector<Index> last{3};
  gallery.remove(last);
  EXPECT_EQ(gallery.add(some_pictures(5, 1))[0].id, 4);
}

TEST_F(GalleryOfPictures, FindsWhatFindNeighborsFinds) {
  PictureGallery gallery = open();
  const std::vector<NewGalleryPicture> pictures = some_pictures(0, 300);
  gallery.add(pictures);
  Matrix rows(300, 8);
  Matrix queries(70, 8);
  for (Index i = 0; i < 300; ++i) {
    std::copy_n(pictures[static_cast<std::size_t>(i)].embedding.data(), 8, rows.row(i));
  }
  for (Index i = 0; i < 70; ++i) {
    std::copy_n(test::random_embedding(1000 + i).data(), 8, queries.row(i));
  }
  const Neighbors expected = find_neighbors(workers_, queries, rows, 5, Similarity::cosine);
  const auto found = gallery.find(workers_, queries, 5);
  ASSERT_EQ(found.size(), 70U);
  for (Index q = 0; q < 70; ++q) {
    const std::vector<FoundPicture>& of = found[static_cast<std::size_t>(q)];
    ASSERT_EQ(of.size(), 5U);
    for (Index j = 0; j < 5; ++j) {
      const FoundPicture& match = of[static_cast<std::size_t>(j)];
      EXPECT_EQ(match.picture.id, expected.index(q, j) + 1);
      EXPECT_EQ(match.score, expected.score(q, j));
    }
  }
}

TEST_F(GalleryOfPictures, FollowsWhatOthersChange) {
  PictureGallery mine = open();
  PictureGallery other = open();
  mine.add(some_pictures(0, 10));
  const auto before = mine.snapshot();
  EXPECT_EQ(mine.snapshot(), before);  // nothing changed: nothing is read
  other.add(some_pictures(10, 5));
  const std::vector<Index> removed{2, 4, 12};
  other.remove(removed);
  const auto after = mine.snapshot();
  EXPECT_EQ(before->size(), 10);
  ASSERT_EQ(after->size(), 12);
  const std::vector<Index> expected{1, 3, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15};
  for (Index i = 0; i < 12; ++i) {
    EXPECT_EQ(after->id(i), expected[static_cast<std::size_t>(i)]);
    const std::vector<float> row = test::random_embedding(after->id(i) - 1);
    EXPECT_EQ(std::memcmp(after->embedding(i), row.data(), 8 * sizeof(float)), 0);
  }
  EXPECT_EQ(after->identity(2), other.snapshot()->identity(2));
}

TEST_F(GalleryOfPictures, SaysUnknownBelowTheThreshold) {
  PictureGallery gallery = open();
  const std::vector<float> x{1, 0, 0, 0, 0, 0, 0, 0};
  const std::vector<float> y{0, 2, 0, 0, 0, 0, 0, 0};
  const std::vector<float> nobody{1, 0.1F, 0, 0, 0, 0, 0, 0};
  const std::vector<NewGalleryPicture> pictures{picture(1, "Ada", x), picture(2, "Bo", y),
                                                picture(3, "", nobody)};
  gallery.add(pictures);
  Matrix queries(2, 8);
  queries(0, 0) = 0.6F;  // cosine 0.6 with Ada's, 0.8 with Bo's
  queries(0, 1) = 0.8F;
  queries(1, 2) = 1;
  auto answers = gallery.identify(workers_, queries);
  EXPECT_TRUE(answers[0].known);  // there is no threshold
  EXPECT_EQ(answers[0].identity, "Bo");
  EXPECT_EQ(answers[0].picture, 2);
  EXPECT_NEAR(answers[0].score, 0.8, 1e-7);  // 0.6 and 0.8 are rounded to float32
  gallery.set_thresholds({.identify = 0.81, .identify_centroid = 0.7, .compare = {}, .far = {}});
  answers = gallery.identify(workers_, queries);
  EXPECT_FALSE(answers[0].known);
  EXPECT_EQ(answers[0].identity, "Bo");
  EXPECT_FALSE(answers[1].known);
  answers = gallery.identify(workers_, queries, IdentifyBy::centroid);
  EXPECT_TRUE(answers[0].known);
  EXPECT_EQ(answers[0].picture, 0);
  EXPECT_TRUE(gallery.identify(workers_, queries, IdentifyBy::best, 0.5)[0].known);
  const GalleryThresholds kept = open(GalleryAccess::read).thresholds();
  EXPECT_EQ(kept.identify, 0.81);
  EXPECT_EQ(kept.identify_centroid, 0.7);
  EXPECT_FALSE(kept.compare);
}

// Ada's two unit embeddings have their mean between them; Bo's one is nearer to the query than each
// of hers, but not than the mean.
TEST_F(GalleryOfPictures, IdentifiesByTheMeanOfUnitEmbeddings) {
  PictureGallery gallery = open();
  const std::vector<NewGalleryPicture> pictures{picture(1, "Ada", {0.6F, 0.8F, 0, 0, 0, 0, 0, 0}),
                                                picture(2, "Ada", {60, -80, 0, 0, 0, 0, 0, 0}),
                                                picture(3, "Bo", {0.8F, 0, 0.6F, 0, 0, 0, 0, 0})};
  gallery.add(pictures);
  Matrix query(1, 8);
  query(0, 0) = 1;
  EXPECT_EQ(gallery.identify(workers_, query)[0].identity, "Bo");
  const Identification mean = gallery.identify(workers_, query, IdentifyBy::centroid)[0];
  EXPECT_EQ(mean.identity, "Ada");
  EXPECT_NEAR(mean.score, 1, 1e-6);
}

TEST_F(GalleryOfPictures, MayBeAddedToByManyAtOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      PictureGallery own(path_, GalleryAccess::write, 60);
      for (Index i = 0; i < 20; ++i) own.add(some_pictures(i * 10 + t, 4));  // overlap
    });
  }
  for (std::thread& thread : threads) thread.join();
  const PictureGallery gallery = open();
  EXPECT_EQ(gallery.size(), 20 * 7);
  EXPECT_EQ(gallery.snapshot()->size(), 20 * 7);
}

// As a server does: each request has its workers, and all have one gallery.
TEST_F(GalleryOfPictures, AnswersWhileItChanges) {
  PictureGallery gallery(path_, GalleryAccess::write, 60);
  gallery.add(some_pictures(0, 50));
  std::atomic<bool> done = false;
  std::vector<std::thread> asking;
  for (int t = 0; t < 2; ++t) {
    asking.emplace_back([&] {
      const Workers own(1);
      Matrix query(1, 8);
      std::copy_n(test::random_embedding(7).data(), 8, query.row(0));
      while (!done) {
        const auto found = gallery.find(own, query, 5);
        EXPECT_EQ(found[0].size(), 5U);
        EXPECT_EQ(found[0][0].picture.id, 8);  // which stays
        EXPECT_FALSE(gallery.identify(own, query, IdentifyBy::centroid)[0].identity.empty());
      }
    });
  }
  for (Index i = 0; i < 10; ++i) {
    gallery.add(some_pictures(100 + i, 1));
    const std::vector<Index> ids{20 + i};
    EXPECT_EQ(gallery.remove(ids), 1);
  }
  done = true;
  for (std::thread& thread : asking) thread.join();
  EXPECT_EQ(gallery.snapshot()->size(), 50);
}

TEST_F(GalleryOfPictures, TellsOfAnotherProcessThatKeepsItLocked) {
  Database other(path_, Database::Mode::write, 0);
  Transaction writing(other, Transaction::Kind::writes);
  PictureGallery gallery(path_, GalleryAccess::write, 0);
  EXPECT_EQ(test::error_of([&] { gallery.add(some_pictures(0, 1)); }, ErrorKind::cannot_create),
            path_ + ": another process keeps it locked; try again when that is done");
}

TEST_F(GalleryOfPictures, IsNotMadeOverWhatIsThere) {
  EXPECT_NE(
      test::error_of([&] { PictureGallery::create(path_, test::small_model()); }, ErrorKind::usage)
          .find("exists, so no gallery is made of it"),
      std::string::npos);
  const std::string other = folder_ / "other.db";
  test::error_of([&] { PictureGallery::create(other, folder_ / "none"); }, ErrorKind::no_input);
  test::error_of([&] { PictureGallery::create(other, path_); }, ErrorKind::data);
  EXPECT_FALSE(std::filesystem::exists(other));
  EXPECT_EQ(folder_.partial_files(), 0);
}

}  // namespace
}  // namespace kindred
