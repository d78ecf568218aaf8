#include "kindred/nn/architecture.h"

#include <gtest/gtest.h>

#include <set>

#include "kindred/nn/registry.h"
#include "nn/network_harness.h"
#include "support/error_of.h"

namespace kindred::test {
namespace {

constexpr Shape kOmniglot{1, 28, 28};

std::string error_in(const std::string& model, const Shape& src = kOmniglot) {
  return error_of([&] { architecture_of(model, src); });
}

std::vector<std::string> kinds_of(const Architecture& architecture) {
  std::vector<std::string> kinds;
  for (const LayerSpec& layer : architecture.layers) kinds.push_back(layer.kind);
  return kinds;
}

TEST(Architecture, Conv4IsTheDefaultAndPoolsThreeTimes) {
  const Architecture conv4 = architecture_of("", kOmniglot);
  EXPECT_EQ(conv4.name, "conv4");
  EXPECT_EQ(conv4.convolution, "auto");
  const std::vector<std::string> expected{"convolution", "batch_norm", "relu", "max_pool",  //
                                          "convolution", "batch_norm", "relu", "max_pool",  //
                                          "convolution", "batch_norm", "relu", "max_pool",  //
                                          "convolution", "batch_norm", "relu", "flatten",
                                          "linear"};
  EXPECT_EQ(kinds_of(conv4), expected);
}

TEST(Architecture, Conv4PoolsInTheFourthBlockWhereAsked) {
  const auto kinds = kinds_of(architecture_of("pool_last = true", kOmniglot));
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), "max_pool"), 4);
}

TEST(Architecture, Conv4TakesAWidthForEachBlock) {
  const Architecture conv4 = architecture_of("widths = [8, 16, 24, 32]", kOmniglot);
  std::vector<double> channels;
  for (const LayerSpec& layer : conv4.layers) {
    if (layer.kind == "convolution") channels.push_back(layer.settings.front().second);
  }
  EXPECT_EQ(channels, (std::vector<double>{8, 16, 24, 32}));
  EXPECT_NE(error_in("widths = [8, 16]").find("expected four numbers"), std::string::npos);
}

TEST(Architecture, MlpHasTheHiddenLayersAskedFor) {
  const Architecture mlp =
      architecture_of("architecture = 'mlp'\nhidden = [30, 20]\ndropout = 0.1", {2, 1, 1});
  const std::vector<std::string> expected{"linear", "batch_norm", "relu", "dropout",  //
                                          "linear", "batch_norm", "relu", "dropout", "linear"};
  EXPECT_EQ(kinds_of(mlp), expected);
}

TEST(Architecture, MlpCarriesItsInputPastHiddenLayersWhereAsked) {
  const Architecture mlp = architecture_of(
      "architecture = 'mlp'\nhidden = [12, 12, 6]\nresidual = true\nnorm_last = true", {12});
  const std::vector<std::string> expected{"residual", "residual", "residual", "linear",
                                          "batch_norm"};
  EXPECT_EQ(kinds_of(mlp), expected);
  EXPECT_TRUE(mlp.layers[1].shortcut.empty());
  EXPECT_EQ(mlp.layers[2].shortcut.size(), 1u);
  NetworkHarness harness(mlp, 2, 4);
  harness.fill(1);
  harness.forward();
  harness.backward();
  EXPECT_TRUE(std::ranges::any_of(harness.gradient, [](float g) { return g != 0; }));
}

TEST(Architecture, ResnetHalvesTheImageAndWidensFromStageToStage) {
  const Architecture resnet =
      architecture_of("architecture = 'resnet'\nwidths = [16, 32]\nblocks = 2", {3, 32, 32});
  const std::vector<std::string> expected{
      "convolution", "batch_norm",          "relu",  "residual", "residual", "residual",
      "residual",    "global_average_pool", "linear"};
  EXPECT_EQ(kinds_of(resnet), expected);
  EXPECT_TRUE(resnet.layers[3].shortcut.empty());
  EXPECT_FALSE(resnet.layers[5].shortcut.empty());
  EXPECT_TRUE(resnet.layers[6].shortcut.empty());
}

// At 64 x 64 most operations were in the first stage, on the whole picture.
TEST(Architecture, ResnetFitsItsStemAndItsPoolToThePicture) {
  const auto stride_of = [](const Architecture& resnet) {
    const auto& settings = resnet.layers.front().settings;
    const auto found = std::find_if(settings.begin(), settings.end(),
                                    [](const auto& setting) { return setting.first == "stride"; });
    return found->second;
  };
  const auto pool_of = [](const Architecture& resnet) { return kinds_of(resnet).end()[-2]; };
  struct Case {
    Shape src;
    double stride;
    Index blocks, pools;
  };
  for (const auto& [src, stride, blocks, pools] : {Case{{3, 28, 28}, 1, 3, 0},
                                                   {{3, 40, 40}, 1, 4, 0},
                                                   {{3, 41, 41}, 1, 3, 4},
                                                   {{3, 64, 64}, 1, 3, 4},
                                                   {{3, 96, 96}, 2, 3, 4},
                                                   {{3, 128, 64}, 2, 3, 4},
                                                   {{3, 224, 224}, 4, 3, 4},
                                                   {{3, 512, 512}, 4, 3, 4},
                                                   {{3, 1024, 1024}, 4, 4, 5},
                                                   {{3, 64, 12}, 2, 3, 0}}) {
    const Architecture resnet = architecture_of("architecture = 'resnet'", src);
    EXPECT_EQ(stride_of(resnet), stride) << src.height;
    EXPECT_EQ(pool_of(resnet), "flatten") << src.height;
    EXPECT_EQ(std::ranges::count(kinds_of(resnet), "residual"), blocks) << src.height;
    EXPECT_EQ(std::ranges::count(kinds_of(resnet), "max_pool"), pools) << src.height;
    NetworkHarness harness(resnet, 1, 1);  // each layer fits
  }
  const Architecture asked =
      architecture_of("architecture = 'resnet'\npooling = 'average'", {3, 64, 64});
  EXPECT_EQ(pool_of(asked), "global_average_pool");
  // A model of before says its stride, and no pool.
  const Architecture before = architecture_of(
      "architecture = 'resnet'\nwidths = [32, 64, 128, 256]\nblocks = 1\nstem_stride = 1\n"
      "dropout = 0.0",
      {3, 32, 32});
  EXPECT_EQ(pool_of(before), "global_average_pool");
  const Architecture strided =
      architecture_of("architecture = 'resnet'\nstem_stride = 2", {3, 64, 64});
  EXPECT_EQ(pool_of(strided), "global_average_pool");
  EXPECT_EQ(std::ranges::count(kinds_of(strided), "residual"), 4);
  EXPECT_EQ(std::ranges::count(kinds_of(strided), "max_pool"), 0);
}

// Recipes that a model keeps say every key: they must mean the same network when they are read.
TEST(Architecture, ResnetSaysInItsRecipeWhatItIs) {
  for (const Index side : {32, 64, 224}) {
    const Shape src{3, side, side};
    Recipe recipe = Recipe::from_text("[model]\narchitecture = 'resnet'", "test");
    const Architecture resnet = read_architecture(recipe.root().section("model"), src);
    Recipe again = Recipe::from_text(recipe.resolved(), "test");
    const Architecture same = read_architecture(again.root().section("model"), src);
    EXPECT_EQ(again.resolved(), recipe.resolved()) << side;
    EXPECT_EQ(kinds_of(same), kinds_of(resnet)) << side;
    EXPECT_EQ(NetworkHarness(same, 1, 1).table.size(), NetworkHarness(resnet, 1, 1).table.size());
  }
}

TEST(Architecture, ResnetTakesWidthsWithPoolsToo) {
  const Architecture resnet = architecture_of(
      "architecture = 'resnet'\nwidths = [16, 24]\nblocks = 2\nstem_width = 8", {3, 64, 64});
  const std::vector<std::string> expected{"convolution", "batch_norm", "relu",     "max_pool",
                                          "residual",    "residual",   "max_pool", "residual",
                                          "residual",    "max_pool",   "flatten",  "linear"};
  EXPECT_EQ(kinds_of(resnet), expected);
  EXPECT_EQ(resnet.layers[4].body.front().settings.front().second, 16);
}

TEST(Architecture, LayersOneByOneGetNamesAndLoseTheBiasBeforeANorm) {
  const Architecture of = architecture_of(
      "[[model.layers]]\nkind = 'convolution'\n"
      "[[model.layers]]\nkind = 'batch_norm'\nname = 'my_norm'\n"
      "[[model.layers]]\nkind = 'flatten'\n"
      "[[model.layers]]\nkind = 'linear'\nfeatures = 5\n",
      kOmniglot);
  EXPECT_EQ(of.name, "layers");
  EXPECT_EQ(of.layers[0].name, "layers.0");
  EXPECT_EQ(of.layers[1].name, "my_norm");
  NetworkHarness harness(of, 2, 2);
  EXPECT_EQ(harness.table.find("layers.0.bias"), nullptr);
  EXPECT_NE(harness.table.find("my_norm.scale"), nullptr);
  EXPECT_NE(harness.table.find("layers.3.bias"), nullptr);
}

TEST(Architecture, NamesTheLayerThatDoesNotFitAndWhatToChange) {
  EXPECT_EQ(error_in("", {1, 7, 7}),
            "test: [model]: layer 'blocks.2.pool' (max_pool) on an input of 1 x 1 x 64 (height x "
            "width x channels): a window of 2 x 2 does not fit; leave this pool out, or use larger "
            "images");
  EXPECT_EQ(error_in("[[model.layers]]\nkind = 'linear'"),
            "test: [model]: layer 'layers.0' (linear) on an input of 28 x 28 x 1 (height x width x "
            "channels): it takes vectors; put a flatten or a global_average_pool before it");
  EXPECT_EQ(error_in("[[model.layers]]\nkind = 'convolution'\nname = 'stem'\npadding = 3"),
            "test: [model]: layer 'stem' (convolution) on an input of 28 x 28 x 1 (height x width "
            "x channels): padding 3 must be less than the kernel, 3");
  EXPECT_EQ(error_in("[[model.layers]]\nkind = 'convolution'\nchannels = 8\ngroups = 3"),
            "test: [model]: layer 'layers.0' (convolution) on an input of 28 x 28 x 1 (height x "
            "width x channels): groups = 3 must divide the input's channels and channels = 8");
  EXPECT_EQ(error_in("[[model.layers]]\nkind = 'convolution'\nkernel = 33"),
            "test: [model]: layer 'layers.0' (convolution) on an input of 28 x 28 x 1 (height x "
            "width x channels): the kernel of 33 x 33 does not fit even with padding 1; use a "
            "smaller kernel, more padding or fewer pools before it");
  EXPECT_EQ(error_in("[[model.layers]]\nkind = 'max_pool'\npadding = 2"),
            "test: [model]: layer 'layers.0' (max_pool) on an input of 28 x 28 x 1 (height x width "
            "x channels): padding 2 must be at most half of the kernel, 2");
  EXPECT_EQ(error_in("[[model.layers]]\nkind = 'residual'\n"
                     "[[model.layers.body]]\nkind = 'convolution'\nchannels = 8"),
            "test: [model]: layer 'layers.0' (residual) on an input of 28 x 28 x 1 (height x width "
            "x channels): the body gives 28 x 28 x 8 but the shortcut 28 x 28 x 1; give it a "
            "shortcut with a 1x1 convolution of 8 channels and the body's stride");
  EXPECT_EQ(error_in("[[model.layers]]\nkind = 'residual'"),
            "test: [model]: layer 'layers.0' (residual) on an input of 28 x 28 x 1 (height x width "
            "x channels): it needs a body: [[model.layers.body]] one by one");
  EXPECT_EQ(error_in("[[model.layers]]\nkind = 'concatenate'"),
            "test: [model]: layer 'layers.0' (concatenate) on an input of 28 x 28 x 1 (height x "
            "width x channels): it needs branches: [[model.layers.branches]] one by one");
  EXPECT_EQ(error_in("[[model.layers]]\nkind = 'concatenate'\n"
                     "[[model.layers.branches]]\n"
                     "[[model.layers.branches]]\n"
                     "[[model.layers.branches.layers]]\nkind = 'max_pool'"),
            "test: [model]: layer 'layers.0' (concatenate) on an input of 28 x 28 x 1 (height x "
            "width x channels): branch 0 gives 28 x 28 pixels but branch 1 gives 14 x 14; all need "
            "the same height and width");
  EXPECT_EQ(error_in("[[model.layers]]\nkind = 'layer_norm'"),
            "test: [model]: layer 'layers.0' (layer_norm) on an input of 28 x 28 x 1 (height x "
            "width x channels): it takes vectors; an instance_norm or a batch_norm normalises "
            "images");
  EXPECT_EQ(error_in("[[model.layers]]\nkind = 'l2_normalize'"),
            "test: [model]: layer 'layers.0' (l2_normalize) on an input of 28 x 28 x 1 (height x "
            "width x channels): it takes vectors; put a flatten, a pool or a linear layer before "
            "it");
  EXPECT_EQ(error_in("[[model.layers]]\nkind = 'instance_norm'", {7, 1, 1}),
            "test: [model]: layer 'layers.0' (instance_norm) on an input of 1 x 1 x 7 (height x "
            "width x channels): of a single pixel nothing is left; a layer_norm normalises "
            "vectors");
}

TEST(Architecture, NamesWhatLiesInBranches) {
  const Architecture of = architecture_of(
      "[[model.layers]]\nkind = 'concatenate'\n"
      "[[model.layers.branches]]\n"
      "[[model.layers.branches]]\n"
      "[[model.layers.branches.layers]]\nkind = 'convolution'\nchannels = 8\n"
      "[[model.layers.branches.layers]]\nkind = 'instance_norm'\n"
      "[[model.layers]]\nkind = 'gem_pool'\n",
      kOmniglot);
  ASSERT_EQ(of.layers[0].branches.size(), 2U);
  EXPECT_TRUE(of.layers[0].branches[0].empty());
  EXPECT_EQ(of.layers[0].branches[1][0].name, "layers.0.branches.1.0");
  NetworkHarness harness(of, 2, 2);
  EXPECT_EQ(harness.network.embedding(), 9);
  // A bias would be taken away again by the norm.
  EXPECT_EQ(harness.table.find("layers.0.branches.1.0.bias"), nullptr);
  EXPECT_NE(harness.table.find("layers.0.branches.1.1.scale"), nullptr);
  EXPECT_NE(error_in("[[model.layers]]\nkind = 'concatenate'\n"
                     "[[model.layers.branches]]\nkind = 'relu'")
                .find("kind"),
            std::string::npos);
}

TEST(Architecture, AsksForAVectorAtTheEnd) {
  EXPECT_EQ(error_in("[[model.layers]]\nkind = 'convolution'\nchannels = 8"),
            "test: [model]: the last layer gives an image of 28 x 28 x 8 (height x width x "
            "channels), but an embedding is a vector; end with a flatten or a global_average_pool "
            "and a linear layer");
}

TEST(Architecture, RefusesUnknownNamesWithASuggestion) {
  EXPECT_NE(error_in("architecture = 'conv5'").find("conv4"), std::string::npos);
  EXPECT_NE(error_in("convolution = 'winogard'").find("winograd"), std::string::npos);
  EXPECT_NE(error_in("[[model.layers]]\nkind = 'convolutoin'").find("convolution"),
            std::string::npos);
  EXPECT_NE(error_in("[[model.layers]]\nkind = 'relu'\nslope = 0.1").find("slope"),
            std::string::npos);
  EXPECT_NE(error_in("[[model.layers]]\nfeatures = 3").find("a layer needs a kind"),
            std::string::npos);
  EXPECT_NE(error_in("architecture = 'layers'").find("needs [[model.layers]]"), std::string::npos);
  EXPECT_NE(error_in("[[model.layers]]\nkind = 'flatten'\nname = 'a'\n"
                     "[[model.layers]]\nkind = 'linear'\nname = 'a'")
                .find("name = 'a' must be unique"),
            std::string::npos);
  EXPECT_NE(error_in("architecture = 'mlp'\nhidden = [0]").find("hidden[0] = 0"),
            std::string::npos);
  EXPECT_NE(error_in("architecture = 'resnet'\nwidths = []").find("widths is empty"),
            std::string::npos);
  EXPECT_NE(error_in("width = 0").find("width"), std::string::npos);
}

TEST(LayerListing, GivesEverySettingWithItsDefault) {
  for (const LayerListing& listing : list_layers()) {
    EXPECT_FALSE(listing.summary.empty()) << listing.name;
    Recipe recipe;
    Section section = recipe.root().section(listing.name);
    listing.read_settings(section);
    for (const Setting& setting : section.settings()) {
      EXPECT_FALSE(setting.description.empty()) << listing.name << "." << setting.key;
      EXPECT_FALSE(setting.value.empty()) << listing.name << "." << setting.key;
    }
    const std::set<std::string> without{"relu",        "relu6",       "hard_swish",
                                        "swish",       "flatten",     "global_average_pool",
                                        "concatenate", "l2_normalize"};
    EXPECT_EQ(section.settings().empty(), without.contains(listing.name)) << listing.name;
  }
}

// The resolved recipe, read again, is the same network.
TEST(Architecture, IsTheSameWhenReadAgainFromTheResolvedRecipe) {
  for (const char* model :
       {"pool_last = true", "architecture = 'mlp'", "architecture = 'resnet'\nwidths = [16, 32]",
        "[[model.layers]]\nkind = 'convolution'\n"
        "[[model.layers]]\nkind = 'batch_norm'\n"
        "[[model.layers]]\nkind = 'concatenate'\n"
        "[[model.layers.branches]]\n"
        "[[model.layers.branches]]\n"
        "[[model.layers.branches.layers]]\nkind = 'prelu'\nslope = 0.5\n"
        "[[model.layers]]\nkind = 'global_average_pool'\n"}) {
    Recipe recipe = Recipe::from_text(std::string("[model]\n") + model, "test");
    const Architecture first = read_architecture(recipe.root().section("model"), kOmniglot);
    Recipe again = Recipe::from_text(recipe.resolved(), "test");
    const Architecture second = read_architecture(again.root().section("model"), kOmniglot);
    NetworkHarness one(first, 2, 2);
    NetworkHarness two(second, 2, 2);
    EXPECT_EQ(one.network.describe(), two.network.describe());
    EXPECT_EQ(one.parameters, two.parameters);
  }
}

}  // namespace
}  // namespace kindred::test
