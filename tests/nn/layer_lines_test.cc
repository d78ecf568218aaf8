// A network in lines: the layers that [[model.layers]] one by one would be.
#include <gtest/gtest.h>

#include <algorithm>

#include "nn/network_harness.h"
#include "support/error_of.h"

namespace kindred::test {
namespace {

constexpr Shape kPicture{3, 24, 24};

Architecture of_lines(const std::string& lines, const Shape& src = kPicture) {
  return architecture_of("layers = [" + lines + "]", src);
}

std::string fault_in(const std::string& lines) {
  return error_of([&] { of_lines(lines); });
}

std::string table(const std::string& kind, const std::string& more = "",
                  const std::string& chain = "layers") {
  return "[[model." + chain + "]]\nkind = '" + kind + "'\n" + more + "\n";
}

/// Embeddings, gradients and names of both are the same.
void expect_same_network(const Architecture& a, const Architecture& b) {
  NetworkHarness first(a, 2, 4);
  NetworkHarness second(b, 2, 4);
  ASSERT_EQ(first.table.segments().size(), second.table.segments().size());
  for (std::size_t i = 0; i < first.table.segments().size(); ++i) {
    EXPECT_EQ(first.table.segments()[i].name, second.table.segments()[i].name);
    EXPECT_EQ(first.table.segments()[i].shape, second.table.segments()[i].shape);
  }
  for (NetworkHarness* harness : {&first, &second}) {
    harness->fill(7);
    harness->forward();
    harness->backward();
  }
  EXPECT_EQ(first.parameters, second.parameters);
  EXPECT_EQ(first.gradient, second.gradient);
  for (Index n = 0; n < first.embeddings.rows(); ++n) {
    for (Index i = 0; i < first.embeddings.cols(); ++i) {
      ASSERT_EQ(first.embeddings(n, i), second.embeddings(n, i));
    }
  }
}

TEST(LayerLines, AreTheLayersOneByOne) {
  expect_same_network(
      of_lines("'conv 8 norm relu pool', 'conv 12 5x5 stride=2 groups=4', 'flatten', "
               "'dropout 0.25 linear 16 norm relu', 'linear 6'"),
      architecture_of(table("convolution", "channels = 8\nbias = false") + table("batch_norm") +
                          table("relu") + table("max_pool") +
                          table("convolution",
                                "channels = 12\nkernel = 5\npadding = 2\nstride = 2\ngroups = 4") +
                          table("flatten") + table("dropout", "rate = 0.25") +
                          table("linear", "features = 16\nbias = false") + table("batch_norm") +
                          table("relu") + table("linear", "features = 6"),
                      kPicture));
}

TEST(LayerLines, KnowResidualBlocks) {
  const auto body = [&](const std::string& stride) {
    return table("convolution", "channels = 8\n" + stride, "layers.body") +
           table("batch_norm", "", "layers.body") + table("relu", "", "layers.body") +
           table("convolution", "channels = 8", "layers.body") +
           table("batch_norm", "", "layers.body");
  };
  expect_same_network(
      of_lines("'residual 8 stride=2 x2', 'global_pool', 'linear 4'"),
      architecture_of(table("residual") + body("stride = 2") +
                          table("convolution", "channels = 8\nkernel = 1\npadding = 0\nstride = 2",
                                "layers.shortcut") +
                          table("batch_norm", "", "layers.shortcut") + table("residual") +
                          body("") + table("global_average_pool") + table("linear", "features = 4"),
                      kPicture));
}

std::vector<std::string> kinds_of(const std::vector<LayerSpec>& layers) {
  std::vector<std::string> kinds;
  for (const LayerSpec& layer : layers) kinds.push_back(layer.kind);
  return kinds;
}

TEST(LayerLines, KnowBottlenecksAndDepthwiseConvolutions) {
  const Architecture of =
      of_lines("'depthwise 5x5', 'bottleneck 32 stride=2 x3', 'global_pool', 'linear 4'");
  const std::vector<std::string> expected{"convolution",         "residual", "residual", "residual",
                                          "global_average_pool", "linear"};
  EXPECT_EQ(kinds_of(of.layers), expected);
  const auto setting = [](const LayerSpec& layer, const std::string& key) {
    return std::ranges::find(layer.settings, key, &std::pair<std::string, double>::first)->second;
  };
  EXPECT_EQ(setting(of.layers[0], "groups"), 3);
  EXPECT_EQ(setting(of.layers[0], "padding"), 2);
  EXPECT_EQ(setting(of.layers[1].body[3], "stride"), 2);
  EXPECT_EQ(setting(of.layers[2].body[3], "stride"), 1);
  EXPECT_EQ(setting(of.layers[1].body[0], "channels"), 8);
  EXPECT_TRUE(of.layers[3].shortcut.empty());
}

TEST(LayerLines, StandInTheResolvedRecipeAsTheyWereWritten) {
  Recipe recipe = Recipe::from_text("[model]\nlayers = ['flatten', 'linear 4']", "test");
  read_architecture(recipe.root().section("model"), kPicture);
  EXPECT_NE(recipe.resolved().find("layers = [\"flatten\", \"linear 4\"]"), std::string::npos)
      << recipe.resolved();
  Recipe again = Recipe::from_text(recipe.resolved(), "again");
  expect_same_network(read_architecture(again.root().section("model"), kPicture),
                      of_lines("'flatten', 'linear 4'"));
}

TEST(LayerLines, NameTheLineAndWhatToChange) {
  EXPECT_EQ(fault_in("'flaten'"),
            "test: [model]: layers[0] = \"flaten\": there is no layer 'flaten'; did you mean "
            "'flatten'?");
  EXPECT_EQ(
      fault_in("'flatten', 'linear 0'"),
      "test: [model]: layers[1] = \"linear 0\": [linear]: features = 0: expected a value from "
      "1 to 1048576");
  EXPECT_EQ(fault_in("'conv 8 kernal=5'"),
            "test: [model]: layers[0] = \"conv 8 kernal=5\": unknown key 'kernal' in [conv]; did "
            "you mean 'kernel'?");
  EXPECT_EQ(fault_in("'8 conv'"),
            "test: [model]: layers[0] = \"8 conv\": '8': expected a layer's name first");
  EXPECT_EQ(fault_in("'conv 8 5x3'"),
            "test: [model]: layers[0] = \"conv 8 5x3\": '5x3': expected a kernel as high as wide, "
            "for instance 3x3");
  EXPECT_EQ(fault_in("'conv 8 16'"),
            "test: [model]: layers[0] = \"conv 8 16\": '16': channels is said twice; a kernel is "
            "written 3x3");
  EXPECT_EQ(fault_in("'relu 8'"),
            "test: [model]: layers[0] = \"relu 8\": '8': relu takes no number of its own; settings "
            "are key=value");
  EXPECT_EQ(fault_in("'conv 8 x0'"),
            "test: [model]: layers[0] = \"conv 8 x0\": 'x0': expected x1 to x256");
  EXPECT_EQ(
      fault_in("'conv 8 x3 norm'"),
      "test: [model]: layers[0] = \"conv 8 x3 norm\": 'x3': repeats the whole line and stands at "
      "its end");
  EXPECT_EQ(
      fault_in("'conv 8 stride 2'"),
      "test: [model]: layers[0] = \"conv 8 stride 2\": 'stride': write stride= and its number as "
      "one word");
  EXPECT_NE(fault_in("'concatenate'").find("write [[model.layers]] one by one"), std::string::npos);
  EXPECT_EQ(
      error_of([] { architecture_of("architecture = 'conv4'\nlayers = ['flatten']", kPicture); }),
      "test: [model]: layers are those of architecture = \"layers\"; here it is \"conv4\"");
  EXPECT_EQ(fault_in("''"), "test: [model]: layers[0] = \"\": it names no layer");
  EXPECT_EQ(fault_in("'x3'"), "test: [model]: layers[0] = \"x3\": it repeats no layer");
  EXPECT_EQ(fault_in("'bottleneck 30'"),
            "test: [model]: layers[0] = \"bottleneck 30\": [bottleneck]: a bottleneck of 30 "
            "channels; expected a multiple of 4");
  EXPECT_EQ(
      fault_in("'linear 8'"),
      "test: [model]: layers[0] = \"linear 8\": layer 'layers.0' (linear) on an input of 24 x "
      "24 x 3 (height x width x channels): it takes vectors; put a flatten or a "
      "global_average_pool before it");
  EXPECT_NE(
      fault_in("'conv 8 x256', 'conv 8 x256 ', 'conv 8 norm relu conv 8 norm relu conv 8 norm "
               "relu conv 8 norm relu conv 8 norm relu x256'")
          .find("more than 4096 layers"),
      std::string::npos);
}

}  // namespace
}  // namespace kindred::test
