#include "kindred/data/embedding_file.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "kindred/data/embedding_source.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/npy_file.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;

EmbeddingFile three_rows() {
  EmbeddingFile file;
  file.embeddings = Matrix(3, 5);
  for (Index i = 0; i < 3; ++i) {
    for (Index j = 0; j < 5; ++j) file.embeddings(i, j) = static_cast<float>(10 * i + j);
  }
  file.labels = {1, 0, 1};
  return file;
}

TEST(EmbeddingFile, ReadsBackWhatWasWritten) {
  const TempFolder folder;
  EmbeddingFile file = three_rows();
  file.paths = {"a", "bb", ""};
  file.class_names = {"x", "y"};
  file.split = {0, 1, 2};
  file.groups = {-1, 5, 7};
  file.episode = {0, 0, 3};
  file.role = {0, 1, 1};
  file.fingerprint = "0123456789abcdef";
  write_embedding_file(folder / "e.h5", file);
  const EmbeddingFile read = read_embedding_file(folder / "e.h5");
  ASSERT_EQ(read.embeddings.rows(), 3);
  ASSERT_EQ(read.embeddings.cols(), 5);
  EXPECT_EQ(read.embeddings(2, 4), 24.0F);
  EXPECT_EQ(read.labels, file.labels);
  EXPECT_EQ(read.paths, file.paths);
  EXPECT_EQ(read.class_names, file.class_names);
  EXPECT_EQ(read.split, file.split);
  EXPECT_EQ(read.groups, file.groups);
  EXPECT_EQ(read.episode, file.episode);
  EXPECT_EQ(read.role, file.role);
  EXPECT_EQ(read.fingerprint, file.fingerprint);
}

TEST(EmbeddingFile, ManyRowsKeepTheirOrder) {
  const TempFolder folder;
  EmbeddingFile file;
  file.embeddings = Matrix(2500, 3);
  for (Index i = 0; i < 2500; ++i) file.embeddings(i, 2) = static_cast<float>(i);
  write_embedding_file(folder / "e.h5", file);
  const EmbeddingFile read = read_embedding_file(folder / "e.h5");
  ASSERT_EQ(read.embeddings.rows(), 2500);
  for (Index i = 0; i < 2500; ++i) ASSERT_EQ(read.embeddings(i, 2), static_cast<float>(i));
  EXPECT_TRUE(read.labels.empty());
}

TEST(EmbeddingFile, QueryAndGalleryMayShareAGroup) {
  const TempFolder folder;
  {
    Hdf5Writer writer(folder / "e.h5");
    writer.group("easy");
    writer.write<double>("easy/query_embeddings", {1, 2}, std::vector<double>{1, 2});
    writer.write<std::int64_t>("easy/query_labels", {1}, std::vector<std::int64_t>{4});
    writer.write<float>("easy/gallery_embeddings", {2, 2}, std::vector<float>{1, 2, 3, 4});
    writer.write<std::int64_t>("easy/gallery_labels", {2}, std::vector<std::int64_t>{4, 5});
    writer.finish();
  }
  const std::string group = folder / "e.h5:/easy";
  EXPECT_EQ(read_embedding_file(group, "query_").labels, std::vector<std::int64_t>{4});
  EXPECT_EQ(read_embedding_file(group, "gallery_").embeddings(1, 1), 4.0F);
  expect_error(ErrorKind::data, "e.h5: /easy/embeddings is missing",
               [&] { read_embedding_file(group); });
}

TEST(EmbeddingFile, BadContentIsSaid) {
  const TempFolder folder;
  const auto read = [&] { read_embedding_file(folder / "e.h5"); };
  expect_error(ErrorKind::no_input, "e.h5: cannot open", read);
  EmbeddingFile file = three_rows();
  file.embeddings(1, 3) = std::numeric_limits<float>::quiet_NaN();
  write_embedding_file(folder / "e.h5", file);
  expect_error(ErrorKind::data,
               "e.h5: /embeddings row 1 holds nan in column 3; every value must be finite", read);
  file = three_rows();
  file.labels.pop_back();
  write_embedding_file(folder / "e.h5", file);
  expect_error(ErrorKind::data,
               "e.h5: /labels has 2 rows but /embeddings has 3; each embedding needs one label",
               read);
  file = three_rows();
  file.class_names = {"one"};
  write_embedding_file(folder / "e.h5", file);
  expect_error(ErrorKind::data, "e.h5: /labels row 0 is 1, but /class_names has 1 names", read);
  file = EmbeddingFile{};
  file.embeddings = Matrix(0, 4);
  write_embedding_file(folder / "e.h5", file);
  expect_error(ErrorKind::data, "e.h5: /embeddings has shape [0, 4]", read);
  expect_error(ErrorKind::cannot_create, "missing/e.h5: cannot create",
               [&] { write_embedding_file(folder / "missing/e.h5", three_rows()); });
}

// The array alone; a list that is read back with all that it holds, to the last bit.
TEST(EmbeddingFile, IsWrittenAsItsEndingSays) {
  const TempFolder folder;
  EmbeddingFile file = three_rows();
  file.embeddings(1, 2) = 0.1F;
  file.embeddings(2, 0) = -1e-30F;
  file.paths = {"a,1.jpg", "b \"2\".jpg", "c.jpg"};
  file.class_names = {"x, y", "z"};
  write_embeddings(folder / "e.npy", file);
  write_embeddings(folder / "e.csv", file);
  write_embeddings(folder / "e.h5", file);
  const Matrix array = read_npy_matrix(folder / "e.npy");
  const EmbeddingFile list = read_embeddings({folder / "e.csv", {}, {}, {}});
  const EmbeddingFile whole = read_embedding_file(folder / "e.h5");
  for (Index i = 0; i < 3; ++i) {
    for (Index j = 0; j < 5; ++j) {
      EXPECT_EQ(array(i, j), file.embeddings(i, j));
      EXPECT_EQ(list.embeddings(i, j), file.embeddings(i, j));
      EXPECT_EQ(whole.embeddings(i, j), file.embeddings(i, j));
    }
  }
  EXPECT_EQ(list.paths, file.paths);
  ASSERT_EQ(list.labels.size(), 3U);
  EXPECT_EQ(list.class_names[static_cast<std::size_t>(list.labels[0])], "z");
  EXPECT_EQ(list.class_names[static_cast<std::size_t>(list.labels[1])], "x, y");
  for (const char* name : {"e.npy", "e.csv", "e.h5"}) {
    EXPECT_TRUE(kind_of_embeddings(name).is(folder / name)) << name;
  }
  EXPECT_FALSE(kind_of_embeddings("e.npy").is(folder / "e.csv"));
  EXPECT_FALSE(kind_of_embeddings("e.csv").is(folder / "e.npy"));
}

}  // namespace
}  // namespace kindred
