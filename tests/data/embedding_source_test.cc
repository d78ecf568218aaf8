#include "kindred/data/embedding_source.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kindred/data/hdf5_file.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;

class Source : public testing::Test {
 protected:
  Source() {
    Hdf5Writer writer(path_);
    writer.group("model");
    writer.write<double>("model/features", {3, 2}, std::vector<double>{0, 1, 2, 3, 4, 5});
    writer.write<float>("person", {3, 1}, std::vector<float>{4, -1, 4});
    writer.write<std::int32_t>("camera", {3}, std::vector<std::int32_t>{1, 2, 1});
    writer.write<std::int64_t>("short", {2}, std::vector<std::int64_t>{1, 2});
    writer.finish();
  }
  TempFolder folder_;
  std::string path_ = folder_ / "theirs.h5";
};

TEST_F(Source, ReadsDataSetsByName) {
  const EmbeddingFile file = read_embeddings({path_, "/model/features", "/person", "/camera"});
  ASSERT_EQ(file.embeddings.rows(), 3);
  EXPECT_EQ(file.embeddings(2, 1), 5);
  EXPECT_EQ(file.labels, (std::vector<std::int64_t>{4, -1, 4}));
  EXPECT_EQ(file.groups, (std::vector<std::int64_t>{1, 2, 1}));
  EXPECT_TRUE(read_embeddings({path_, "/model/features", {}, {}}).labels.empty());
}

TEST_F(Source, TakesOtherLabelsForOurOwnFiles) {
  EmbeddingFile ours;
  ours.embeddings = Matrix(2, 3);
  ours.labels = {5, 6};
  ours.groups = {7, 8};
  write_embedding_file(folder_ / "ours.h5", ours);
  EXPECT_EQ(read_embeddings({folder_ / "ours.h5", {}, {}, {}}).labels, ours.labels);
  EXPECT_EQ(read_embeddings({folder_ / "ours.h5", {}, "/groups", {}}).labels, ours.groups);
}

TEST_F(Source, RefusesWhatIsNotThere) {
  const auto refuse = [&](const EmbeddingSource& source, ErrorKind kind, const std::string& part) {
    expect_error(kind, part, [&] { read_embeddings(source); });
  };
  refuse({path_, {}, {}, {}}, ErrorKind::data, "/embeddings is missing");
  refuse({path_, "/model/none", {}, {}}, ErrorKind::data, "/model/none is missing");
  refuse({path_, "/camera", {}, {}}, ErrorKind::data, "[N, D]");
  refuse({path_, "/model/features", "/none", {}}, ErrorKind::data, "/none is missing");
  refuse({path_, "/model/features", "/short", {}}, ErrorKind::data, "2 rows but there are 3");
  refuse({path_, "/model/features", "/model/features", {}}, ErrorKind::data,
         "is not a single 1 among zeros");
  refuse({folder_ / "missing.npy", {}, {}, {}}, ErrorKind::no_input, "missing.npy");
  refuse({folder_ / "a.npy", "/x", {}, {}}, ErrorKind::usage, "HDF5");
}

}  // namespace
}  // namespace kindred
