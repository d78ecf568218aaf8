// `kindred embed` and `kindred eval --model` on pictures, as a user types them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/texts/json_text.h"
#include "kindred/data/embedding_file.h"
#include "support/zip_file.h"
#include "tools/program.h"

namespace kindred::test {
namespace {

/// A model of 8 x 8 grey pictures, and a folder of such: two classes of a dark and a light side.
class EmbedPictures : public testing::Test {
 protected:
  EmbedPictures() {
    for (unsigned i = 0; i < 12; ++i) {
      const std::string folder = path(i % 2 == 0 ? "photos/left" : "photos/right");
      std::filesystem::create_directories(folder);
      std::vector<std::uint8_t> pixels(100);
      for (std::size_t k = 0; k < pixels.size(); ++k) {
        const bool light = (k % 10 < 5) == (i % 2 == 0);
        pixels[k] = static_cast<std::uint8_t>((light ? 180 : 20) + (k * (i + 3)) % 50);
      }
      std::ofstream(folder + "/" + std::to_string(i) + ".png", std::ios::binary)
          << grey_png(10, 10, pixels);
    }
    EXPECT_EQ(kindred("import " + path("photos") + " " + path("data.h5") + " --size 8").code, 0);
    std::ofstream(path("recipe.toml"))
        << "[data]\nfile = 'data.h5'\n[sampler]\nclasses = 2\nsamples_per_class = 4\n"
           "[model]\narchitecture = 'mlp'\nhidden = [16]\nembedding = 4\nslice = 4\n"
           "[[loss]]\nname = 'softmax'\n[train]\nepochs = 1000\nplanned_steps = 30\n";
    const Outcome trained =
        kindred("train " + path("recipe.toml") + " --out " + path("run") + " --quiet");
    EXPECT_EQ(trained.code, 0) << trained.err;
    model_ = path("run/model.kindred");
  }

  std::string path(const std::string& name) const { return folder_ / name; }

  TempFolder folder_;
  std::string model_;
};

TEST_F(EmbedPictures, GivesFilesFoldersAndNamesTheSameEmbeddings) {
  ASSERT_EQ(kindred("embed " + model_ + " " + path("data.h5") + " --out " + path("a.h5")).code, 0);
  const Outcome folder =
      kindred("embed " + model_ + " " + path("photos") + " --out " + path("b.h5") + " --json -");
  ASSERT_EQ(folder.code, 0) << folder.err;
  EXPECT_EQ(Json::parse(folder.out)["embeddings"], 12);
  const EmbeddingFile a = read_embedding_file(path("a.h5"));
  const EmbeddingFile b = read_embedding_file(path("b.h5"));
  EXPECT_EQ(a.paths, b.paths);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.class_names, b.class_names);
  for (Index i = 0; i < 12; ++i) {
    for (Index j = 0; j < 4; ++j) EXPECT_EQ(a.embeddings(i, j), b.embeddings(i, j));
  }
  std::ofstream(path("names.txt")) << path("photos/left/0.png") << "\n"
                                   << path("photos/right/1.png");
  const Outcome named =
      kindred("embed " + model_ + " - --out " + path("c.csv"), "", path("names.txt"));
  ASSERT_EQ(named.code, 0) << named.err;
  std::ifstream list(path("c.csv"));
  std::string header;
  std::getline(list, header);
  EXPECT_EQ(header, "path,e0,e1,e2,e3");
  const Outcome measured =
      kindred("eval retrieval --model " + model_ + " " + path("photos") + " --json -");
  ASSERT_EQ(measured.code, 0) << measured.err;
  const Outcome before = kindred("eval retrieval " + path("a.h5") + " --json -");
  EXPECT_EQ(Json::parse(measured.out)["recall@1"], Json::parse(before.out)["recall@1"]);
}

TEST_F(EmbedPictures, SaysWhatCannotBeReadAndWhatIsMeant) {
  std::ofstream(path("photos/left/broken.png")) << "words";
  const std::string embed = "embed " + model_ + " " + path("photos") + " --out " + path("b.h5");
  const Outcome left_out = kindred(embed);
  EXPECT_EQ(left_out.code, 0) << left_out.err;
  EXPECT_TRUE(contains(left_out.err, "broken.png: is no image")) << left_out.err;
  EXPECT_TRUE(contains(left_out.err, "pictures that cannot be read and are left out: 1"))
      << left_out.err;
  EXPECT_EQ(kindred(embed + " --strict").code, 65);
  EXPECT_EQ(kindred("embed " + model_ + " " + path("photos/left/broken.png") + " --out " +
                    path("none.h5"))
                .code,
            65);
  EXPECT_FALSE(std::filesystem::exists(path("none.h5")));
  EXPECT_EQ(kindred("embed " + model_ + " " + path("nowhere") + " --out " + path("none.h5")).code,
            66);
  EXPECT_EQ(kindred("embed " + model_ + " - --out " + path("none.h5")).code, 66);
  // An output is no picture, nor anything else that is there.
  const Outcome over =
      kindred("embed " + model_ + " " + path("photos") + " --out " + path("photos/left/0.png"));
  EXPECT_EQ(over.code, 64) << over.err;
  EXPECT_EQ(
      kindred("embed " + model_ + " " + path("photos") + " --out " + path("recipe.toml")).code, 64);
}

// Rows are found again by what the caller said.
TEST_F(EmbedPictures, KeepsTheNamesThatWereGiven) {
  std::filesystem::copy_file(path("photos/left/0.png"), path("noending"));
  std::ofstream(path("names.txt")) << path("photos/left/0.png") << "\n"
                                   << path("nowhere.png") << "\n"
                                   << path("noending") << "\n"
                                   << path("photos/left/0.png") << "\n";
  const std::string embed = "embed " + model_ + " - --out " + path("named.CSV");
  const Outcome named = kindred(embed, "", path("names.txt"));
  ASSERT_EQ(named.code, 0) << named.err;
  EXPECT_TRUE(contains(named.err, "nowhere.png: is not there, and left out")) << named.err;
  EXPECT_TRUE(contains(named.err, "1 pictures are named more than once")) << named.err;
  const std::string list = text_of(path("named.CSV"));
  EXPECT_TRUE(contains(list, "\n\"" + path("photos/left/0.png") + "\",")) << list;
  EXPECT_TRUE(contains(list, "\n\"" + path("noending") + "\",")) << list;
  EXPECT_EQ(kindred(embed + " --strict", "", path("names.txt")).code, 66);
  EXPECT_EQ(kindred("embed " + model_ + " " + path("photos") + " --out -").code, 64);
  // A list that is wrong is told of; its folder's classes do not stand in for it.
  std::ofstream(path("list.csv")) << "path,label\nnot/there.png,a\n";
  const Outcome wrong = kindred("embed " + model_ + " " + path("list.csv") + " " + path("photos") +
                                " --out " + path("l.h5"));
  EXPECT_EQ(wrong.code, 65) << wrong.err;
}

TEST_F(EmbedPictures, CutsRegionsAsAnImportDoes) {
  std::ofstream list(path("boxes.csv"));
  for (int i = 0; i < 12; ++i) {
    if (i != 5) list << (i % 2 == 0 ? "left/" : "right/") << i << ".png,1,2,7,6\n";
  }
  list.close();
  const std::string boxes = " --boxes " + path("boxes.csv");
  const Outcome imported =
      kindred("import " + path("photos") + " " + path("cut.h5") + " --size 8 --json -" + boxes);
  ASSERT_EQ(imported.code, 0) << imported.err;
  EXPECT_EQ(Json::parse(imported.out)["samples"], 11);
  EXPECT_TRUE(contains(imported.out, "right/5.png: has no line in")) << imported.out;
  EXPECT_EQ(kindred("embed " + model_ + " " + path("cut.h5") + " --out " + path("a.h5")).code, 0);
  const Outcome cut =
      kindred("embed " + model_ + " " + path("photos") + " --out " + path("b.h5") + boxes);
  ASSERT_EQ(cut.code, 0) << cut.err;
  const EmbeddingFile a = read_embedding_file(path("a.h5"));
  const EmbeddingFile b = read_embedding_file(path("b.h5"));
  ASSERT_EQ(a.embeddings.rows(), 11);
  EXPECT_EQ(a.paths, b.paths);
  for (Index i = 0; i < 11; ++i) {
    for (Index j = 0; j < 4; ++j) EXPECT_EQ(a.embeddings(i, j), b.embeddings(i, j));
  }
  EXPECT_EQ(
      kindred("embed " + model_ + " " + path("data.h5") + " --out " + path("c.h5") + boxes).code,
      64);
}

}  // namespace
}  // namespace kindred::test
