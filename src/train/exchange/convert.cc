#include "kindred/train/convert.h"

#include <fmt/format.h>

#include <filesystem>

#include "data/isolation/isolated.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "train/exchange/converted_model.h"

namespace kindred {
namespace {

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

Index size_of_file(const std::string& path) {
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  return none ? 0 : std::min<Index>(static_cast<Index>(size), kMostOnnxBytes);
}

}  // namespace

Model convert_model(const std::string& path, const ConvertOptions& options) {
  const IsolationLimits limits{.memory = kChildMemory + 6 * size_of_file(path),
                               .seconds = kChildSeconds};
  ConvertedNetwork network = run_isolated(path, limits, [&] { return read_onnx(path, options); });
  return model_of(std::move(network), options, path);
}

const FileKind kModelFile{"a model of Kindred", [](const std::string& path) {
                            constexpr std::size_t kBegin = 4 << 20;  // class names come first
                            const std::string begin = beginning_of_file(path, kBegin);
                            return begin.size() > 8 && begin[8] == '{' &&
                                   begin.find("\"kindred model\"") != begin.npos;
                          }};

}  // namespace kindred
