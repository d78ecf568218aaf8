#include <fmt/format.h>

#include "command.h"
#include "kindred/core/error.h"
#include "kindred/train/export.h"

namespace kindred::tools {
namespace {

struct ExportCommandOptions : CommonOptions {
  std::string model;
  std::string onnx;
  std::string safetensors;
  std::string npy;
  std::string input;
  std::string layout = "nhwc";
  double threshold = 0;
  OnnxOptions graph;
};

void export_model(ExportCommandOptions options, bool has_threshold) {
  if (options.onnx.empty() && options.safetensors.empty() && options.npy.empty()) {
    fail(ErrorKind::usage,
         "export: names nothing to write: OUT.onnx, --safetensors FILE or --npy FOLDER");
  }
  Model model = read_model(options.model);
  if (has_threshold) model.threshold = options.threshold;
  options.graph.input = options.input.empty()      ? model.element
                        : options.input == "uint8" ? Element::u8
                                                   : Element::f32;
  options.graph.layout = options.layout == "nhwc" ? ImageLayout::nhwc : ImageLayout::nchw;
  const auto wrote = [&](const std::string& path, const std::string& what) {
    if (!options.quiet) note(fmt::format("{}: {}", path, what));
  };
  if (!options.onnx.empty()) {
    export_onnx(model, options.onnx, options.graph);
    wrote(options.onnx,
          fmt::format("ONNX, opset {}: images {}{} -> embeddings{}", options.graph.opset,
                      options.graph.input == Element::u8 ? "uint8" : "float32",
                      model.architecture.src.size() > model.architecture.src.channels
                          ? " " + options.layout
                          : "",
                      options.graph.normalize ? ", normalized" : ""));
  }
  if (!options.safetensors.empty()) {
    export_safetensors(model, options.safetensors);
    wrote(options.safetensors, "the model's arrays");
  }
  if (!options.npy.empty()) {
    export_npy(model, options.npy);
    wrote(options.npy, "the model's arrays, one file each");
  }
}

}  // namespace

void add_export(const Command& program) {
  auto options = std::make_shared<ExportCommandOptions>();
  const Command command =
      program.add_command("export", "write a model for other programs: ONNX, safetensors, NumPy");
  command.add_option("model", options->model, "model.kindred of a run")
      .required()
      .type_name("MODEL")
      .reads_file();
  const Option onnx = command.add_option("onnx", options->onnx, "ONNX file to write")
                          .type_name("OUT.onnx")
                          .writes_file(kOnnxFile);
  command
      .add_option("--input", options->input,
                  "type of the graph's input, raw values as in the data set: uint8 or float32 "
                  "(default: the data set's)")
      .check(one_of({"uint8", "float32"}))
      .needs(onnx);
  command
      .add_option("--layout", options->layout,
                  "order of its axes: nhwc, channels last as data sets have them, or nchw")
      .check(one_of({"nhwc", "nchw"}))
      .needs(onnx)
      .show_default();
  command.add_flag("--normalize", options->graph.normalize, "embeddings become vectors of length 1")
      .needs(onnx);
  command.add_option("--opset", options->graph.opset, "version of the operators to use")
      .check(range(kLeastOpset, kMostOpset))
      .needs(onnx)
      .show_default();
  command
      .add_option("--safetensors", options->safetensors,
                  "write the weights and running statistics under their names, norms unfolded")
      .type_name("FILE")
      .writes_file(kSafetensorsFile);
  command
      .add_option("--npy", options->npy,
                  "write the same as NAME.npy each, in place of arrays of these names")
      .type_name("FOLDER")
      .writes_folder();
  const Option threshold =
      command
          .add_option("--threshold", options->threshold,
                      "the score from which two embeddings are called the same, a gallery's for "
                      "instance (default: the model's)")
          .type_name("COSINE")
          .check(score());
  add_quiet(command, *options);
  command.footer(
      "The graph's input `images` has a free batch size; scaling (and casting) is in the graph;\n"
      "its output is `embeddings`. Class names, recipe, fingerprint, how pictures were cropped "
      "and\n"
      "the threshold are its metadata.\n"
      "Example:\n  kindred export runs/first/model.kindred first.onnx --input uint8");
  command.callback([options, threshold] { export_model(*options, threshold.count() > 0); });
}

}  // namespace kindred::tools
