// `kindred inspect` of recipes and models: the network's table and its drawing.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/small_data.h"
#include "tools/program.h"

namespace kindred {
namespace {

using Json = nlohmann::json;
using test::contains;
using test::kindred;
using test::Outcome;

class InspectNetwork : public testing::Test {
 protected:
  InspectNetwork() {
    std::ofstream(path("recipe.toml"))
        << "[data]\nfile = 'data.h5'\n[sampler]\nclasses = 6\nsamples_per_class = 4\n"
        << "[model]\nslice = 4\nlayers = ['conv 4 norm relu', 'residual 8 stride=2 x2', 'flatten', "
        << "'linear 5']\n[[loss]]\nname = 'softmax'\n";
  }
  std::string path(const std::string& name) const { return folder_ / name; }
  test::TempFolder folder_;
};

TEST_F(InspectNetwork, OfARecipeHasEveryLayer) {
  const Outcome outcome = kindred("inspect " + path("recipe.toml") + " --size 8x8x1 --json -");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json network = Json::parse(outcome.out)["network"];
  EXPECT_EQ(network["src"], Json::parse("[8, 8, 1]"));
  const Json& layers = network["layers"];
  ASSERT_EQ(layers.size(), 3u + 8 + 6 + 2);
  EXPECT_EQ(layers[0]["kind"], "convolution");
  EXPECT_EQ(layers[0]["parameters"], 4 * 9);
  EXPECT_EQ(layers[0]["flops"], 2.0 * 4 * 9 * 64);
  EXPECT_EQ(layers[3]["kind"], "residual");
  EXPECT_EQ(layers[4]["depth"], 1);
  EXPECT_EQ(layers[4]["settings"], "3x3, stride 2");
  EXPECT_EQ(layers[18]["parameters"], 5 * 8 * 16 + 5);
  double sum = 0;
  for (const Json& layer : layers) sum += layer["parameters"].get<double>();
  EXPECT_EQ(network["parameters"], sum);
}

TEST_F(InspectNetwork, TakesTheSizeOfTheDataSetWhereItIsThere) {
  const Outcome missing = kindred("inspect " + path("recipe.toml"));
  EXPECT_EQ(missing.code, 66) << missing.err;
  EXPECT_TRUE(contains(missing.err, "data.h5")) << missing.err;
  // What the message advises helps.
  const std::size_t at = missing.err.rfind("--size ");
  ASSERT_NE(at, missing.err.npos) << missing.err;
  const std::string advised = missing.err.substr(at, missing.err.find('\n', at) - at);
  EXPECT_EQ(kindred("inspect " + path("recipe.toml") + " " + advised).code, 0);
  test::write_small_data(path("data.h5"));
  const Outcome found = kindred("inspect " + path("recipe.toml") + " --json -");
  ASSERT_EQ(found.code, 0) << found.err;
  EXPECT_EQ(Json::parse(found.out)["network"]["src"], Json::parse("[8, 8, 1]"));
}

TEST_F(InspectNetwork, FitsEightyColumnsAndDrawsEveryLayer) {
  const Outcome outcome =
      kindred("inspect " + path("recipe.toml") + " --size 224x224x3 --svg " + path("n.svg"));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::istringstream lines(outcome.out);
  std::string line;
  int blocks = 0;
  while (std::getline(lines, line)) {
    if (contains(line, path("recipe.toml"))) continue;
    EXPECT_LE(line.size(), 80u) << line;
    blocks += contains(line, "layers.3.body.3");  // the name that [[train.parameters]] matches
  }
  EXPECT_EQ(blocks, 1);
  const std::string svg = test::text_of(path("n.svg"));
  EXPECT_TRUE(svg.starts_with("<svg")) << svg;
  std::size_t boxes = 0;
  for (std::size_t at = svg.find("rx=\"2\""); at != svg.npos; at = svg.find("rx=\"2\"", at + 1)) {
    ++boxes;
  }
  EXPECT_EQ(boxes, 19u);
  EXPECT_TRUE(contains(svg, "224 x 224 x 4"));
}

TEST_F(InspectNetwork, OfAModelAndOfAShippedRecipe) {
  test::write_small_data(path("data.h5"));
  const Outcome trained = kindred("train " + path("recipe.toml") + " --quiet --out " + path("run") +
                                  " --set train.steps=1");
  ASSERT_EQ(trained.code, 0) << trained.err;
  const std::string model = path("run") + "/model.kindred";
  const Json of_model = Json::parse(kindred("inspect " + model + " --json -").out);
  const Json of_recipe = Json::parse(kindred("inspect " + path("recipe.toml") + " --json -").out);
  EXPECT_EQ(of_model["network"], of_recipe["network"]);
  EXPECT_EQ(of_model["kind"], "kindred model");
  const Outcome shipped = kindred("inspect omniglot");
  EXPECT_EQ(shipped.code, 0) << shipped.err;
  EXPECT_TRUE(contains(shipped.out, "14x14x64")) << shipped.out;
}

TEST_F(InspectNetwork, RefusesWhatHasNoNetworkOrNoSize) {
  test::write_small_data(path("data.h5"));
  const Outcome data = kindred("inspect " + path("data.h5") + " --svg " + path("n.svg"));
  EXPECT_EQ(data.code, 64);
  EXPECT_TRUE(contains(data.err, "--svg and --size are for a recipe or a model")) << data.err;
  for (const char* size : {"0x8x1", "8x8", "8x8x1x1", "8x8x", "x", "-1", "8x8x99999999"}) {
    const Outcome wrong = kindred("inspect " + path("recipe.toml") + " --size=" + size);
    EXPECT_EQ(wrong.code, 64) << size << wrong.err;
    EXPECT_TRUE(contains(wrong.err, "expected height x width x channels")) << wrong.err;
  }
}

TEST(ListArchitectures, PrintsTheirSizes) {
  const Outcome outcome = kindred("list architectures");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::string text = outcome.out;
  text.erase(std::unique(text.begin(), text.end(),
                         [](char a, char b) { return std::isspace(a) && std::isspace(b); }),
             text.end());
  std::ranges::replace(text, '\n', ' ');
  EXPECT_TRUE(contains(text, "on 224 x 224 x 3: 11.2 M parameters, 3.63 G FLOPs")) << text;
  EXPECT_TRUE(contains(text, "in a training step of 128")) << text;
}

}  // namespace
}  // namespace kindred
