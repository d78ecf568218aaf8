#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "kindred/train/convert.h"
#include "kindred/train/embedder.h"
#include "kindred/train/export.h"
#include "kindred/train/tensor_file.h"
#include "support/error_of.h"
#include "train/onnx/messages.h"
#include "train/small_run.h"

namespace kindred {
namespace {

using test::kConv4;
using test::kMlp;
using test::kSoftmax;
using test::SmallRun;

constexpr const char* kLayers = R"([model]
slice = 4
[[model.layers]]
kind = 'convolution'
channels = 6
[[model.layers]]
kind = 'batch_norm'
epsilon = 0.001
[[model.layers]]
kind = 'relu'
[[model.layers]]
kind = 'residual'
[[model.layers.body]]
kind = 'convolution'
channels = 8
stride = 2
[[model.layers.body]]
kind = 'batch_norm'
[[model.layers.body]]
kind = 'dropout'
[[model.layers.shortcut]]
kind = 'average_pool'
kernel = 3
padding = 1
[[model.layers.shortcut]]
kind = 'convolution'
channels = 8
kernel = 1
padding = 0
[[model.layers]]
kind = 'batch_norm'
[[model.layers]]
kind = 'max_pool'
kernel = 3
padding = 1
[[model.layers]]
kind = 'residual'
relu = false
[[model.layers.body]]
kind = 'convolution'
channels = 8
groups = 2
[[model.layers]]
kind = 'global_average_pool'
[[model.layers]]
kind = 'linear'
features = 5
)";

Matrix embed(const Model& model, const SmallRun& run) {
  const Workers workers(2);
  const Dataset dataset = Dataset::open(run.path("data.h5"));
  std::vector<Index> samples(static_cast<std::size_t>(dataset.size()));
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<Index>(i);
  return Embedder(model, workers).embed(dataset, samples);
}

void expect_same_bits(const Matrix& found, const Matrix& expected) {
  ASSERT_EQ(found.rows(), expected.rows());
  ASSERT_EQ(found.cols(), expected.cols());
  for (Index i = 0; i < found.rows(); ++i) {
    ASSERT_EQ(std::memcmp(found.row(i), expected.row(i),
                          static_cast<std::size_t>(found.cols()) * sizeof(float)),
              0)
        << "row " << i;
  }
}

/// A model of a short training, so that norms and weights have seen something.
Model trained(const SmallRun& run, const std::string& model) {
  run.run("run", run.recipe(std::string(model) + kSoftmax, 4), 2);
  return read_model(run.path("run/model.kindred"));
}

TEST(Exchange, WhatGoesOutComesInWithTheSameBits) {
  for (const char* model : {kConv4, kMlp, kLayers}) {
    SCOPED_TRACE(model);
    const SmallRun run;
    const Model out = trained(run, model);
    const Matrix expected = embed(out, run);
    for (const OnnxOptions& options : {OnnxOptions{Element::u8, ImageLayout::nhwc, false, 17},
                                       OnnxOptions{Element::f32, ImageLayout::nchw, false, 13},
                                       OnnxOptions{Element::u8, ImageLayout::nchw, false, 21}}) {
      export_onnx(out, run.path("model.onnx"), options);
      const Model in = convert_model(run.path("model.onnx"), {});
      EXPECT_EQ(in.class_names, out.class_names);
      EXPECT_EQ(in.slice, out.slice);
      EXPECT_EQ(in.scaling.mean, out.scaling.mean);
      EXPECT_EQ(in.scaling.scale, out.scaling.scale);
      expect_same_bits(embed(in, run), expected);
      // And through a file of ours.
      write_model(run.path("in.kindred"), in);
      expect_same_bits(embed(read_model(run.path("in.kindred")), run), expected);
    }
  }
}

TEST(Exchange, WhatIsConvertedIsTrainedFurther) {
  const SmallRun run;
  export_onnx(trained(run, kLayers), run.path("model.onnx"), {});
  const Model in = convert_model(run.path("model.onnx"), {});
  write_model(run.path("in.kindred"), in);
  Recipe recipe = run.recipe(in.recipe + kSoftmax, 4);
  recipe.set("train.initial=\"" + run.path("in.kindred") + "\"");
  run.run("further", std::move(recipe), 2);
  const Model further = read_model(run.path("further/model.kindred"));
  EXPECT_EQ(further.architecture.layers.size(), in.architecture.layers.size());
  EXPECT_NE(further.fingerprint, in.fingerprint);
}

TEST(Exchange, MetadataSaysWhatTheModelIs) {
  const SmallRun run;
  const Model model = trained(run, kConv4);
  export_onnx(model, run.path("model.onnx"), {});
  const std::vector<std::byte> file = read_file(run.path("model.onnx"));
  const onnx::Model read =
      onnx::read_model({reinterpret_cast<const char*>(file.data()), file.size()});
  EXPECT_EQ(read.opset, 17);
  EXPECT_EQ(read.metadata.at("kindred.recipe"), model.recipe);
  EXPECT_EQ(read.metadata.at("kindred.fingerprint"), model.fingerprint);
  EXPECT_EQ(read.metadata.at("kindred.size"), "[8,8,1]");
  ASSERT_EQ(read.graph.inputs.size(), 1U);
  EXPECT_EQ(read.graph.inputs[0].name, "images");
  EXPECT_EQ(read.graph.inputs[0].shape, (std::vector<Index>{-1, 8, 8, 1}));
  ASSERT_EQ(read.graph.outputs.size(), 1U);
  EXPECT_EQ(read.graph.outputs[0].name, "embeddings");
}

TEST(Exchange, MetadataSaysHowTheModelIsUsedAndComesBack) {
  const SmallRun run;
  Model model = trained(run, kConv4);
  model.preparation.reset();
  model.threshold.reset();
  const auto texts_of = [&](const std::string& name) {
    export_onnx(model, run.path(name), {});
    const std::vector<std::byte> file = read_file(run.path(name));
    return onnx::read_model({reinterpret_cast<const char*>(file.data()), file.size()}).metadata;
  };
  EXPECT_FALSE(texts_of("without.onnx").contains("kindred.threshold"));
  EXPECT_FALSE(texts_of("without.onnx").contains("kindred.preparation"));
  EXPECT_FALSE(convert_model(run.path("without.onnx"), {}).threshold);
  model.threshold = 0.375;
  model.preparation = Preparation{};
  EXPECT_EQ(texts_of("with.onnx").at("kindred.threshold"), "0.375");
  EXPECT_EQ(texts_of("with.onnx").at("kindred.preparation"), text_of(Preparation{}));
  const Model back = convert_model(run.path("with.onnx"), {});
  EXPECT_EQ(back.threshold, 0.375);
  ASSERT_TRUE(back.preparation);
  EXPECT_EQ(text_of(*back.preparation), text_of(Preparation{}));
}

TEST(Exchange, TheFileIsTheSameEachTime) {
  const SmallRun run;
  const Model model = trained(run, kMlp);
  export_onnx(model, run.path("a.onnx"), {});
  export_onnx(model, run.path("b.onnx"), {});
  EXPECT_EQ(read_file(run.path("a.onnx")), read_file(run.path("b.onnx")));
}

TEST(Exchange, ArraysOfBothKindsAreTheNetworksAlone) {
  const SmallRun run;
  const Model model = trained(run, kConv4);
  export_safetensors(model, run.path("arrays.safetensors"));
  // What somebody else put there by an array's name stays, and nothing is written beside it.
  std::filesystem::create_directory(run.path("taken"));
  std::ofstream(run.path("taken/input.mean.npy")) << "notes";
  std::ofstream(run.path("foreign.txt")) << "notes";
  std::filesystem::create_directory(run.path("linked"));
  std::filesystem::create_symlink("../foreign.txt", run.path("linked/input.scale.npy"));
  for (const char* folder : {"taken", "linked"}) {
    test::expect_error(ErrorKind::usage, "is not a NumPy array",
                       [&] { export_npy(model, run.path(folder)); });
    const auto files = std::filesystem::directory_iterator(run.path(folder));
    EXPECT_EQ(std::distance(begin(files), end(files)), 1);
  }
  EXPECT_EQ(read_file(run.path("foreign.txt")).size(), 5u);
  export_npy(model, run.path("arrays"));
  export_npy(model, run.path("arrays"));  // in place of its own
  const TensorFile file = TensorFile::read(run.path("arrays.safetensors"));
  ASSERT_NE(file.find("blocks.0.norm.running_mean"), nullptr);
  ASSERT_NE(file.find("input.mean"), nullptr);
  for (const Tensor& tensor : file.tensors()) {
    EXPECT_FALSE(tensor.name.starts_with("loss")) << tensor.name;
    const std::vector<std::byte> npy = read_file(run.path("arrays/" + tensor.name + ".npy"));
    ASSERT_GE(npy.size(), 64 + tensor.bytes.size());
    EXPECT_EQ((npy.size() - tensor.bytes.size()) % 64, 0U);
    EXPECT_EQ(std::memcmp(npy.data() + npy.size() - tensor.bytes.size(), tensor.bytes.data(),
                          tensor.bytes.size()),
              0);
  }
}

TEST(Exchange, AnOpsetThatIsNotWrittenIsRefused) {
  const SmallRun run;
  const Model model = trained(run, kMlp);
  for (const Index opset : {12, 22}) {
    OnnxOptions options;
    options.opset = opset;
    EXPECT_EQ(
        test::error_of([&] { export_onnx(model, run.path("x.onnx"), options); }, ErrorKind::usage),
        "opset " + std::to_string(opset) + ": expected 13 to 21");
  }
}

}  // namespace
}  // namespace kindred
