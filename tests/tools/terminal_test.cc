// What people see on a terminal: one line that is written over, and never wraps.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/screen.h"
#include "support/small_data.h"
#include "support/terminal.h"
#include "tools/live_line.h"
#include "tools/program.h"

namespace kindred {
namespace {

using test::contains;
using test::run_in_terminal;
using test::Screen;
using test::TempFolder;
using tools::bar_text;

std::string all_of(const Screen& screen) {
  std::string text;
  for (const std::string& line : screen.lines()) text += line + "\n";
  return text;
}

TEST(BarText, FitsEveryTerminalAndKeepsWhatMattersMost) {
  const std::vector<std::string> parts = {
      "step 1234567/23456789",     "12:34:56 left", "12345 images/s", "subcenter_arcface 12.3456",
      "multi_similarity.2 0.1234", "epoch 100"};
  for (Index columns = 1; columns <= 300; ++columns) {
    for (const double share : {-1.0, 0.0, 0.5, 1.0, 7.0}) {
      const std::string text = bar_text(share, parts, columns);
      EXPECT_LT(static_cast<Index>(text.size()), std::max<Index>(columns, 1)) << text;
      if (columns > 40) {
        EXPECT_TRUE(contains(text, "step 1234567/23456789")) << columns << text;
      }
      if (columns > 80) {
        EXPECT_TRUE(contains(text, "left  12345 images/s")) << columns << text;
      }
      if (columns > 150) {
        EXPECT_TRUE(contains(text, "epoch 100")) << columns << text;
      }
    }
  }
}

/// A recipe with five losses, trained until the bar was written some times.
class Terminal : public testing::TestWithParam<int> {
 protected:
  Terminal() {
    test::write_small_data(folder_ / "data.h5", {.test_classes = 4});
    std::ofstream(folder_ / "recipe.toml")
        << "[data]\nfile = 'data.h5'\n[sampler]\nclasses = 6\nsamples_per_class = 4\n"
           "[model]\narchitecture = 'mlp'\nhidden = [16]\nembedding = 8\nslice = 4\n"
           "[[loss]]\nname = 'softmax'\n[[loss]]\nname = 'subcenter_arcface'\n"
           "[[loss]]\nname = 'multi_similarity'\n[[loss]]\nname = 'lifted_structure'\n"
           "[[loss]]\nname = 'normalized_softmax'\n[train]\nplanned_steps = 2000000\n"
           "checkpoint_every = 2000000\n";
  }
  TempFolder folder_;
};

TEST_P(Terminal, ShowsTrainingInOneLineThatNeverWraps) {
  const int columns = GetParam();
  Screen screen(columns == 0 ? 80 : columns);  // one that does not say its size counts as of 80
  const std::string command = std::string(KINDRED_PROGRAM) + " train " + (folder_ / "recipe.toml") +
                              " --out " + (folder_ / "run") + " --threads 1";
  std::string written;
  const int code = run_in_terminal(command, columns, [&](const std::string& text) {
    written += text;
    screen.write(text);
    return screen.bars() >= 5;
  });
  EXPECT_EQ(code, 130) << written;
  EXPECT_GE(screen.bars(), 5);
  EXPECT_EQ(screen.wrapped_bars(), 0) << written;
  EXPECT_LT(screen.longest_bar(), columns == 0 ? 80u : static_cast<std::size_t>(columns));
  // Nothing of the bar is left.
  EXPECT_FALSE(contains(all_of(screen), "/2000000")) << all_of(screen);
  EXPECT_TRUE(contains(written, "left")) << written;
  EXPECT_TRUE(contains(written, "estimate: about ")) << written;
}

INSTANTIATE_TEST_SUITE_P(Columns, Terminal, testing::Values(60, 80, 120, 30, 200, 0));

}  // namespace
}  // namespace kindred
