// What an ONNX file must be, and what is said of one that is something else.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "kindred/train/convert.h"
#include "support/error_of.h"
#include "support/mutation.h"
#include "support/temp_folder.h"
#include "train/onnx_file.h"

namespace kindred {
namespace {

using test::OnnxFile;

/// images [batch, 1, 4, 4] -> flatten -> linear of 3 -> embeddings.
OnnxFile small_file() {
  OnnxFile file;
  file.input("images", {-1, 1, 4, 4}).output("embeddings");
  file.constant("w.weight", {16, 3}, std::vector<float>(48, 0.5F));
  file.node("Flatten", {"images"}, "flat").node("MatMul", {"flat", "w.weight"}, "embeddings");
  return file;
}

class OnnxFiles : public ::testing::Test {
 protected:
  void write(const std::string& text) {
    std::ofstream(path(), std::ios::binary)
        .write(text.data(), static_cast<std::streamsize>(text.size()));
  }
  std::string path() const { return folder_ / "model.onnx"; }

  Model model_of(const OnnxFile& file, const ConvertOptions& options = {}) {
    write(file.text());
    return convert_model(path(), options);
  }
  /// What is said of it, without the file's name before it.
  std::string said_of(const std::string& text, ErrorKind kind = ErrorKind::data) {
    write(text);
    const std::string message = test::error_of([&] { convert_model(path(), {}); }, kind);
    const std::string before = path() + ": ";
    EXPECT_TRUE(message.starts_with(before)) << message;
    return message.starts_with(before) ? message.substr(before.size()) : message;
  }
  std::string said_of(const OnnxFile& file, ErrorKind kind = ErrorKind::data) {
    return said_of(file.text(), kind);
  }

  test::TempFolder folder_;
};

std::vector<float> numbers(const Model& model, const std::string& name) {
  const Segment* segment = model.table.find(name);
  if (segment == nullptr) return {};
  const float* begin = model.parameters.data() + segment->offset;
  return {begin, begin + segment->size};
}

std::vector<std::string> kinds(const std::vector<LayerSpec>& layers) {
  std::vector<std::string> names;
  for (const LayerSpec& layer : layers) names.push_back(layer.kind);
  return names;
}

using Names = std::vector<std::string>;
using Floats = std::vector<float>;

TEST_F(OnnxFiles, MatMulsWeightsAreTurned) {
  OnnxFile file;
  file.input("x", {-1, 2}).output("y").constant("fc.weight", {2, 3}, {1, 2, 3, 4, 5, 6});
  file.constant("b", {3}, {7, 8, 9});
  file.node("MatMul", {"x", "fc.weight"}, "z").node("Add", {"b", "z"}, "y");
  const Model model = model_of(file);
  EXPECT_EQ(kinds(model.architecture.layers), Names{"linear"});
  EXPECT_EQ(numbers(model, "fc.weights"), (Floats{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(numbers(model, "fc.bias"), (Floats{7, 8, 9}));
  EXPECT_EQ(model.element, Element::f32);
}

TEST_F(OnnxFiles, ConstantsAtTheInputAreItsScaling) {
  // ((x / 2 - 3) * 4) = (x - 6) * 2; a second channel (x / 2 - 1) * 4 = (x - 2) * 2.
  OnnxFile file;
  file.input("x", {-1, 2, 2, 2}).output("y").constant("two", {}, {2}).constant("four", {1}, {4});
  file.constant("mean", {2, 1, 1}, {3, 1});
  file.node("Div", {"x", "two"}, "a")
      .node("Sub", {"a", "mean"}, "b")
      .node("Mul", {"b", "four"}, "c");
  file.node("GlobalAveragePool", {"c"}, "d").node("Flatten", {"d"}, "y");
  const Model model = model_of(file);
  EXPECT_EQ(model.scaling.mean, (Floats{6, 2}));
  EXPECT_EQ(model.scaling.scale, (Floats{2, 2}));
  EXPECT_EQ(kinds(model.architecture.layers), Names{"global_average_pool"});
  EXPECT_EQ(model.element, Element::u8);
  // (byte - 10) / 5 before that: ((x - 10) / 5 - 6) * 2 = (x - 40) * 0.4.
  ConvertOptions options;
  options.mean = {10};
  options.deviation = {5, 5};
  const Model bytes = convert_model(path(), options);
  EXPECT_EQ(bytes.scaling.mean, (Floats{40, 20}));
  EXPECT_EQ(bytes.scaling.scale, (Floats{0.4F, 0.4F}));
}

TEST_F(OnnxFiles, SumsAreResidualLayersWithTheReluBehindThem) {
  OnnxFile file;
  file.input("x", {-1, 2, 4, 4}).output("y");
  file.constant("a.weight", {2, 2, 1, 1}, {1, 2, 3, 4});
  file.node("Conv", {"x", "a.weight"}, "a").node("Add", {"x", "a"}, "s").node("Relu", {"s"}, "r");
  file.node("Conv", {"r", "a.weight"}, "b").node("Add", {"b", "r"}, "t");
  file.node("ReduceMean", {"t"}, "y", [] {
    ProtobufWriter all;
    all.append(OnnxFile::ints("axes", {-1, -2}));
    all.append(OnnxFile::integer("keepdims", 0));
    return all;
  }());
  const Model model = model_of(file);
  const std::vector<LayerSpec>& layers = model.architecture.layers;
  ASSERT_EQ(kinds(layers), (Names{"residual", "residual", "global_average_pool"}));
  EXPECT_EQ(kinds(layers[0].body), Names{"convolution"});
  EXPECT_EQ(layers[0].settings, (std::vector<std::pair<std::string, double>>{{"relu", 1}}));
  EXPECT_EQ(layers[1].settings, (std::vector<std::pair<std::string, double>>{{"relu", 0}}));
  EXPECT_EQ(layers[0].body[0].name, "a");
  EXPECT_EQ(layers[1].body[0].name, "a_2");
}

TEST_F(OnnxFiles, ReshapesOfComputedShapesAreFlatten) {
  // x.view(x.size(0), -1), as PyTorch's older exporter writes it.
  OnnxFile file(11);
  file.input("x", {-1, 1, 2, 2}).output("y").integers("zero", {0}).integers("rest", {-1});
  file.node("Shape", {"x"}, "shape").node("Gather", {"shape", "zero"}, "batch");
  file.node("Unsqueeze", {"batch"}, "list", OnnxFile::ints("axes", {0}));
  file.node("Concat", {"list", "rest"}, "wanted", OnnxFile::integer("axis", 0));
  file.node("Reshape", {"x", "wanted"}, "y");
  EXPECT_EQ(kinds(model_of(file).architecture.layers), Names{"flatten"});
}

TEST_F(OnnxFiles, AnyTensorMayBeTheEmbedding) {
  OnnxFile file = small_file();
  file.output("other").node("Softmax", {"embeddings"}, "other");  // not looked at
  ConvertOptions options;
  options.embedding_output = "flat";
  EXPECT_EQ(kinds(model_of(file, options).architecture.layers), Names{"flatten"});
  EXPECT_EQ(said_of(file),
            "has 2 outputs ('embeddings', 'other'); say which is the embedding with "
            "--embedding-output NAME");
}

TEST_F(OnnxFiles, TheFirstNodeThatIsNoLayerIsNamed) {
  OnnxFile file;
  file.input("x", {-1, 3}).output("y");
  file.node("Relu", {"x"}, "a").node("Erf", {"a"}, "b").node("Softmax", {"b"}, "y");
  EXPECT_EQ(said_of(file),
            "node 'the b' (Erf): no layer of ours does this; `kindred convert --help` names what "
            "is read");
}

TEST_F(OnnxFiles, OtherFilesAreReadBesideTheModelAlone) {
  const auto with = [](const std::string& location, const std::string& offset) {
    OnnxFile file;
    file.input("x", {-1, 2}).output("y").external("w", {2, 1}, location, offset);
    return file.node("MatMul", {"x", "w"}, "y");
  };
  const Floats weights{1, 2, 3};
  std::ofstream(folder_ / "weights.bin", std::ios::binary)
      .write(reinterpret_cast<const char*>(weights.data()), 12);
  const Model model = model_of(with("weights.bin", "4"));
  EXPECT_EQ(numbers(model, "the.y.weights"), (Floats{2, 3}));
  std::filesystem::create_symlink("weights.bin", folder_ / "link");
  for (const char* outside : {"../weights.bin", "/etc/passwd", "a/weights.bin", "", "..", "."}) {
    EXPECT_EQ(said_of(with(outside, "0")),
              "constant 'w' lies in another file, '" + std::string(outside) +
                  "': only files beside the model are read, by a plain name");
  }
  for (const char* none : {"link", "missing.bin"}) {
    EXPECT_EQ(said_of(with(none, "0"), ErrorKind::no_input),
              "constant 'w' lies in '" + std::string(none) +
                  "', which is missing, no regular file or a link");
  }
  EXPECT_EQ(said_of(with("weights.bin", "8")),
            "constant 'w' takes 0 bytes from byte 8 of 'weights.bin', which has 12; 8 are "
            "expected");
  EXPECT_EQ(said_of(with("weights.bin", "-4")),
            "constant 'w' has the offset '-4' in its other file");
  EXPECT_EQ(said_of(with("weights.bin", "9223372036854775807")),
            "constant 'w' takes 0 bytes from byte 9223372036854775807 of 'weights.bin', which has "
            "12; 8 are expected");
}

struct Hostile {
  const char* what;
  OnnxFile file;
  const char* said;
};

OnnxFile many_nodes() {
  OnnxFile file;
  file.input("x", {-1, 2}).output("y");
  for (int i = 0; i < 1'000'000; ++i) file.node("", {}, "");
  return file;
}

OnnxFile nested_sums() {
  OnnxFile file;
  file.input("x0", {-1, 2}).output("y");
  std::string before = "x0";
  for (int i = 1; i <= 40; ++i) {
    const std::string next = "x" + std::to_string(i);
    file.node("Relu", {before}, next);
    before = next;
  }
  for (int i = 39; i >= 0; --i) {
    const std::string next = i == 0 ? "y" : "s" + std::to_string(i);
    file.node("Add", {before, "x" + std::to_string(i)}, next);
    before = next;
  }
  return file;
}

std::vector<Hostile> hostile_files() {
  const auto empty = [] { return OnnxFile().input("x", {-1, 2}).output("y"); };
  const auto image = [] { return OnnxFile().input("x", {-1, 1, 4, 4}).output("y"); };
  const auto weighted = [&](std::vector<Index> shape) {
    return empty().constant("w", shape, {1}).node("MatMul", {"x", "w"}, "y");
  };
  return {
      {"a circle",
       empty().node("Relu", {"b"}, "a").node("Relu", {"a"}, "b").node("Add", {"b", "x"}, "y"),
       "node 'the a' (Relu): reads 'b', which nothing before it gives"},
      {"a missing constant", empty().node("MatMul", {"x", "w"}, "y"),
       "node 'the y' (MatMul): reads 'w', which nothing before it gives"},
      {"a shape of 2^40", weighted({1 << 20, 1 << 20}),
       "constant 'w' has the shape [1048576, 1048576]"},
      {"a negative extent", weighted({-2, 2}), "constant 'w' has the shape [-2, 2]"},
      {"an empty extent", weighted({2, 0}),
       "node 'the y' (MatMul): multiplies 2 numbers with weights of the shape [2, 0]"},
      {"too few numbers", weighted({2, 3}), "constant 'w' has 1 numbers, and the shape [2, 3]"},
      {"a name twice", empty().node("Relu", {"x"}, "y").node("Relu", {"x"}, "y"),
       "gives the name 'y' twice"},
      {"a million nodes", many_nodes(), "has more than 20000 nodes"},
      {"a sum in a sum in a sum", nested_sums(),
       "node 'the s6' (Add): lies too deep inside of others"},
      {"a negative axis", image().node("Flatten", {"x"}, "y", OnnxFile::integer("axis", -7)),
       "node 'the y' (Flatten): flattens from axis -7; ours begins at 1, behind the batch"},
      {"no output", OnnxFile().input("x", {-1, 2}).node("Relu", {"x"}, "y"), "has no output"},
      {"no input", OnnxFile().output("y").node("Relu", {"x"}, "y"), "has no input"},
      {"two inputs", empty().input("z", {-1, 2}),
       "has more than one input ('x' and 'z'); a network of ours has one"},
      {"an output that nothing gives", empty(), "has no tensor 'y'"},
      {"a huge input",
       OnnxFile().input("x", {-1, 3, 1 << 20, 1 << 20}).output("y").node("Relu", {"x"}, "y"),
       "its input 'x' is [free, 3, 1048576, 1048576]"},
      {"a free size", OnnxFile().input("x", {-1, 3, -1, 8}).output("y").node("Relu", {"x"}, "y"),
       "its input 'x' is [free, 3, free, 8]: say its height and width with --size HxW"},
      {"an image of three axes",
       OnnxFile().input("x", {3, 8, 8}).output("y").node("Relu", {"x"}, "y"),
       "its input 'x' has the shape [3, 8, 8]; images of four extents or vectors of two are "
       "expected"},
      {"an input of int64", OnnxFile().input("x", {-1, 2}, 7).output("y").node("Relu", {"x"}, "y"),
       "its input 'x' is of type 7; float32 or uint8 is expected"},
      {"an image for an embedding", image().node("Relu", {"x"}, "y"),
       "its output is an image of 4 x 4 x 1 (height x width x channels); an embedding is a vector: "
       "name another tensor with --embedding-output"},
      {"a kernel that does not fit",
       image()
           .constant("w", {1, 1, 9, 9}, Floats(81))
           .node("Conv", {"x", "w"}, "z")
           .node("Flatten", {"z"}, "y"),
       "node 'the z' (Conv): does not fit an image of 4 x 4 x 1 (height x width x channels)"},
      {"a stride of 0",
       image().node("MaxPool", {"x"}, "y",
                    [] {
                      ProtobufWriter all;
                      all.append(OnnxFile::ints("kernel_shape", {2, 2}));
                      all.append(OnnxFile::ints("strides", {0, 0}));
                      return all;
                    }()),
       "node 'the y' (MaxPool): has a kernel, stride or dilation of 0"},
      {"strides that differ",
       image().node("MaxPool", {"x"}, "y",
                    [] {
                      ProtobufWriter all;
                      all.append(OnnxFile::ints("kernel_shape", {2, 2}));
                      all.append(OnnxFile::ints("strides", {2, 1}));
                      return all;
                    }()),
       "node 'the y' (MaxPool): has strides [2, 1]; ours are the same in all directions"},
      {"constants nowhere",
       image()
           .constant("c", {}, {2})
           .node("Relu", {"x"}, "r")
           .node("Mul", {"r", "c"}, "m")
           .node("Flatten", {"m"}, "y"),
       "node 'the m' (Mul): adds or multiplies constants where no weights are before it to take "
       "them in; "
       "this is read at the input and behind convolutions and linear layers"},
      {"an operator of somebody's",
       empty().node("Relu", {"x"}, "y",
                    [] {
                      ProtobufWriter domain;
                      domain.bytes(onnx::node_field::domain, "com.example");
                      return domain;
                    }()),
       "node 'the y' (Relu): no layer of ours does this; `kindred convert --help` names what is "
       "read"},
  };
}

TEST_F(OnnxFiles, WhatIsWrongIsSaidInTime) {
  for (const Hostile& hostile : hostile_files()) {
    SCOPED_TRACE(hostile.what);
    EXPECT_TRUE(said_of(hostile.file).ends_with(hostile.said)) << said_of(hostile.file);
  }
}

TEST_F(OnnxFiles, NoMessageOfProtocolBuffersIsNoModel) {
  EXPECT_EQ(said_of(std::string()), "is no ONNX model: it has no graph");
  EXPECT_EQ(said_of(std::string("\x3a\x7f")),
            "is no ONNX model, or a damaged one: field 7 claims 127 bytes where 0 are left");
  EXPECT_EQ(said_of(std::string("\x0b")), "is no ONNX model, or a damaged one: a field of kind 3");
  EXPECT_EQ(said_of(std::string(11, '\x80')),
            "is no ONNX model, or a damaged one: a number has more than ten bytes");
  EXPECT_EQ(said_of(OnnxFile(22).text()), "is of opset 22; opsets 7 to 21 are read");
}

TEST_F(OnnxFiles, DamagedFilesCostAMessage) {
  std::vector<std::string> seeds{small_file().text(), nested_sums().text()};
  for (const Hostile& hostile : hostile_files()) {
    if (hostile.file.text().size() < 10'000) seeds.push_back(hostile.file.text());
  }
  test::Mutator mutate(17);
  constexpr int kFiles = 300;
  for (int i = 0; i < kFiles; ++i) {
    write(mutate(seeds[mutate.below(seeds.size())], seeds[mutate.below(seeds.size())]));
    try {
      convert_model(path(), {});
    } catch (const Error& error) {
      EXPECT_TRUE(error.kind() == ErrorKind::data || error.kind() == ErrorKind::no_input)
          << i << ": " << error.what();
      EXPECT_EQ(std::string(error.what()).find("damaged or made to do harm"), std::string::npos)
          << i << ": the child died: " << error.what();
    }
  }
}

}  // namespace
}  // namespace kindred
