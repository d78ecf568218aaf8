#include <fmt/format.h>

#include <charconv>

#include "command.h"
#include "kindred/core/error.h"
#include "kindred/nn/outline.h"
#include "kindred/train/convert.h"

namespace kindred::tools {
namespace {

struct ConvertCommandOptions : CommonOptions, ConvertOptions {
  std::string file;
  std::string out;
  std::string size;
};

// "112x96": height and width.
void read_size(ConvertCommandOptions& options) {
  if (options.size.empty()) return;
  const char* const end = options.size.data() + options.size.size();
  const auto [cross, first] = std::from_chars(options.size.data(), end, options.height);
  const bool two = first == std::errc() && cross != end && *cross == 'x';
  const auto [last, second] =
      two ? std::from_chars(cross + 1, end, options.width) : std::from_chars_result{cross, first};
  if (!two || second != std::errc() || last != end || options.height < 1 || options.width < 1) {
    fail(ErrorKind::usage,
         fmt::format("--size {}: expected height and width, as in 112x112", options.size));
  }
}

void convert(ConvertCommandOptions options) {
  read_size(options);
  const Model model = convert_model(options.file, options);
  write_model(options.out, model);
  if (options.quiet) return;
  const Shape& src = model.architecture.src;
  const bool bytes = model.element == Element::u8;
  note(fmt::format(
      "{}: {} numbers, from {} x {} x {} {} to embeddings of {}; its [model] for a recipe: "
      "kindred inspect {}",
      options.out, model.table.size(), src.height, src.width, src.channels,
      bytes ? "bytes" : "floats", outline_of(model.architecture).rows.back().dst.channels,
      options.out));
  if (!bytes) return;
  note(fmt::format("{}: reads (byte - mean) * scale, mean {}, scale {}{}", options.out,
                   fmt::join(model.scaling.mean, " "), fmt::join(model.scaling.scale, " "),
                   options.mean.empty() && options.deviation.empty()
                       ? "; other inputs: --mean, --deviation"
                       : ""));
}

}  // namespace

void add_convert(const Command& program) {
  auto options = std::make_shared<ConvertCommandOptions>();
  const Command command = program.add_command(
      "convert", "make a model of a network that others trained: ONNX, safetensors");
  command
      .add_option("file", options->file,
                  "the network: an ONNX file, or with --names a safetensors file")
      .required()
      .type_name("IN")
      .reads_file();
  command.add_option("out", options->out, "model to write")
      .required()
      .type_name("OUT.kindred")
      .writes_file(kModelFile);
  command
      .add_option("--embedding-output", options->embedding_output,
                  "the tensor that is the embedding: an output or any other, for instance what a "
                  "classifier's last layer reads (default: the only output)")
      .type_name("NAME");
  command
      .add_option("--names", options->names,
                  "the file holds weights by these names: of torchvision's resnets and "
                  "mobilenet_v2, timm's resnets, or insightface's iresnets")
      .check(one_of({"torchvision", "timm", "insightface"}));
  command
      .add_option("--size", options->size,
                  "height and width of the images, where the file leaves "
                  "them free")
      .type_name("HxW");
  command
      .add_option("--mean", options->mean,
                  "where the network wants no bytes but (byte - mean) / deviation: one number, or "
                  "one a channel")
      .delimiter(',')
      .one_word_each()
      .type_name("M,...");
  command
      .add_option("--deviation", options->deviation,
                  "see --mean; for ImageNet's: --mean "
                  "123.675,116.28,103.53 --deviation "
                  "58.395,57.12,57.375")
      .delimiter(',')
      .one_word_each()
      .type_name("D,...");
  add_quiet(command, *options);
  command.footer(
      "Reads what is made of Conv, Gemm, MatMul, BatchNormalization, Relu, PRelu, LeakyRelu, "
      "Clip,\n"
      "HardSwish, Sigmoid, HardSigmoid, Add, Sub, Mul, Div, Concat, MaxPool, AveragePool,\n"
      "GlobalAveragePool, ReduceMean, Flatten, Reshape, Squeeze, Transpose at the input, Dropout,\n"
      "Identity, Constant, Cast, InstanceNormalization, LayerNormalization, LpNormalization, in\n"
      "opsets 7 to 21; what is no layer of ours is named. The model can be trained further.\n"
      "Example:\n  kindred convert resnet18.onnx resnet18.kindred --embedding-output pooled");
  command.callback([options] { convert(*options); });
}

}  // namespace kindred::tools
