// `[data] memory` and `kindred pack` from the command line.
#include <gtest/gtest.h>

#include "support/small_data.h"
#include "tools/program.h"

namespace kindred {
namespace {

using test::contains;
using test::kindred;
using test::Outcome;
using test::TempFolder;

/// 600 images of 256 bytes in packed chunks, classes in turn.
class StreamedTraining : public testing::Test {
 protected:
  StreamedTraining() {
    std::vector<std::uint8_t> images;
    std::vector<std::int64_t> labels;
    for (Index i = 0; i < 600; ++i) {
      for (Index j = 0; j < 256; ++j) images.push_back(static_cast<std::uint8_t>(i * j % 251));
      labels.push_back(i % 30);
    }
    Hdf5Writer writer(folder_ / "mixed.h5");
    writer.write<std::uint8_t>("images", {600, 16, 16, 1}, images,
                               {.chunk = {10, 16, 16, 1}, .gzip = 1});
    writer.write<std::int64_t>("labels", {600}, labels);
    writer.finish();
    std::ofstream(folder_ / "recipe.toml")
        << "[data]\nfile = 'mixed.h5'\nmemory = '140KiB'\n"
           "[sampler]\nclasses = 4\nsamples_per_class = 4\n"
           "[model]\narchitecture = 'mlp'\nhidden = [8]\nembedding = 4\n"
           "[[loss]]\nname = 'softmax'\n[train]\nepochs = 1\nsteps = 3\n";
  }
  Outcome train(const std::string& run, const std::string& more = "") const {
    return kindred("train " + (folder_ / "recipe.toml") + " --out " + (folder_ / run) + " " + more);
  }
  TempFolder folder_;
};

TEST_F(StreamedTraining, NamesPackWhereItHelps) {
  const std::string advice = "`kindred pack " + (folder_ / "mixed.h5") + " PACKED.h5`";
  const Outcome mixed = train("mixed");
  EXPECT_EQ(mixed.code, 0) << mixed.err;
  EXPECT_TRUE(contains(mixed.err, advice)) << mixed.err;
  const Outcome loaded = train("loaded", "--set data.memory=half");
  EXPECT_EQ(loaded.code, 0) << loaded.err;
  EXPECT_FALSE(contains(loaded.err, "pack")) << loaded.err;

  const Outcome packed =
      kindred("pack " + (folder_ / "mixed.h5") + " " + (folder_ / "packed.h5") + " --json -");
  EXPECT_EQ(packed.code, 0) << packed.err;
  EXPECT_TRUE(contains(packed.out, "\"samples\": 600")) << packed.out;
  const Outcome run = train("packed", "--set data.file=packed.h5");
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_FALSE(contains(run.err, "pack ")) << run.err;
}

TEST_F(StreamedTraining, MemoryThatIsNoneOrTooLittleIsARecipeError) {
  for (const auto& [memory, message] :
       {std::pair{"'2 gigs'", "expected a size such as \"512MiB\""},
        {"0", "expected text"},
        {"'10KiB'", "is too little for"},
        {"'110KiB'", "is too little to stream batches of 64 samples"}}) {
    const Outcome outcome =
        train("wrong", std::string("--set sampler.samples_per_class=16 --set data.memory=\"") +
                           memory + "\"");
    EXPECT_EQ(outcome.code, 78) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, message)) << outcome.err;
  }
}

TEST_F(StreamedTraining, PackFailsAsOthersDo) {
  EXPECT_EQ(kindred("pack " + (folder_ / "none.h5") + " " + (folder_ / "b.h5")).code, 66);
  EXPECT_EQ(kindred("pack " + (folder_ / "mixed.h5") + " " + (folder_ / "mixed.h5")).code, 64);
  EXPECT_EQ(kindred("pack " + (folder_ / "mixed.h5") + " " + (folder_ / "no/b.h5")).code, 73);
  // A full disk, as far as a shell can make one.
  const Outcome full = kindred("pack " + (folder_ / "mixed.h5") + " " + (folder_ / "b.h5"),
                               "trap '' XFSZ; ulimit -f 40;");
  EXPECT_EQ(full.code, 74) << full.err;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "b.h5"));
  EXPECT_EQ(folder_.partial_files(), 0);
}

}  // namespace
}  // namespace kindred
