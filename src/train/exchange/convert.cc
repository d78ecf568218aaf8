#include "kindred/train/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "data/isolation/isolated.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "train/exchange/converted_model.h"
#include "train/exchange/foreign_names.h"

namespace kindred {
namespace {

constexpr Index kMostNamedBytes = Index{8} << 30;
constexpr Index kMostOnnxBytes = Index{2} << 30;  // of a message of protocol buffers
constexpr Index kChildMemory = Index{3}
                               << 30;  // of the child, beside what a file of that size needs
constexpr double kChildSeconds = 300;  // large models from slow disks

ConvertedNetwork read_onnx(const std::string& path, const ConvertOptions& options) {
  const std::vector<std::byte> file = read_file(path, kMostOnnxBytes);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  try {
    return convert_onnx({reinterpret_cast<const char*>(file.data()), file.size()},
                        folder.empty() ? "." : folder,
                        {options.embedding_output, options.height, options.width});
  } catch (const Error& error) {
    fail(error.kind(), path + ": " + error.what());
  }
}

/// Pictures as these sources train on them.
constexpr Index kTorchvisionSide = 224;
constexpr Index kInsightfaceSide = 112;

std::optional<ForeignNames> names_of(const ConvertOptions& options) {
  if (options.names.empty()) return {};
  if (options.names == "torchvision") return ForeignNames::torchvision;
  if (options.names == "timm") return ForeignNames::timm;
  if (options.names == "insightface") return ForeignNames::insightface;
  fail(ErrorKind::usage,
       fmt::format("names '{}': expected torchvision, timm or insightface", options.names));
}

ConvertedNetwork read_named(const std::string& path, const ConvertOptions& options,
                            ForeignNames names) {
  const std::vector<std::byte> file = read_file(path, kMostNamedBytes);
  try {
    ConvertedNetwork network;
    network.arrays = read_safetensors({reinterpret_cast<const char*>(file.data()), file.size()});
    rename_arrays(names, network);
    const Index side = names == ForeignNames::insightface ? kInsightfaceSide : kTorchvisionSide;
    network.channels = 3;
    network.height = options.height > 0 ? options.height : side;
    network.width = options.height > 0 ? options.width : side;
    network.mean.assign(3, 0);
    network.scale.assign(3, 1);
    return network;
  } catch (const Error& error) {
    fail(error.kind(), path + ": " + error.what());
  }
}

/// What the source's networks were trained on, where nothing else is said.
ConvertOptions with_usual_scaling(ConvertOptions options, ForeignNames names) {
  if (!options.mean.empty() || !options.deviation.empty()) return options;
  if (names == ForeignNames::insightface) {
    options.mean = {127.5};
    options.deviation = {127.5};
  } else {
    options.mean = {123.675, 116.28, 103.53};
    options.deviation = {58.395, 57.12, 57.375};
  }
  return options;
}

Index size_of_file(const std::string& path) {
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  return none ? 0 : std::min<Index>(static_cast<Index>(size), kMostOnnxBytes);
}

}  // namespace

Model convert_model(const std::string& path, const ConvertOptions& options) {
  const IsolationLimits limits{.memory = kChildMemory + 6 * size_of_file(path),
                               .seconds = kChildSeconds};
  const std::optional<ForeignNames> names = names_of(options);
  if (names && !options.embedding_output.empty()) {
    fail(ErrorKind::usage,
         "--embedding-output is for ONNX files; with --names the embedding is what "
         "the last layer gives");
  }
  ConvertedNetwork network = run_isolated(path, limits, [&] {
    return names ? read_named(path, options, *names) : read_onnx(path, options);
  });
  return model_of(std::move(network), names ? with_usual_scaling(options, *names) : options, path);
}

const FileKind kModelFile{"a model of Kindred", [](const std::string& path) {
                            constexpr std::size_t kBegin = 4 << 20;  // class names come first
                            const std::string begin = beginning_of_file(path, kBegin);
                            return begin.size() > 8 && begin[8] == '{' &&
                                   begin.find("\"kindred model\"") != begin.npos;
                          }};

}  // namespace kindred
