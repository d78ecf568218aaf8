#include <fmt/format.h>

#include <cstring>

#include "core/texts/json_text.h"
#include "kindred/core/error.h"
#include "train/exchange/foreign_names.h"
#include "train/onnx/tensor_values.h"

// Safetensors files of others: no checksums, more types, offsets in any order. Ours are TensorFile.

namespace kindred {
namespace {

constexpr std::uint64_t kMostForeignHeader = std::uint64_t{64} << 20;
constexpr Index kMostForeignArrays = 20'000;

[[noreturn]] void refuse_safetensors(const std::string& why) {
  fail(ErrorKind::data, "is no safetensors file, or a damaged one: " + why);
}

onnx::TensorType float_type(const std::string& name) {
  return name == "F32"    ? onnx::TensorType::f32
         : name == "F16"  ? onnx::TensorType::f16
         : name == "BF16" ? onnx::TensorType::bf16
         : name == "F64"  ? onnx::TensorType::f64
                          : onnx::TensorType::undefined;
}

/// The array's bytes; its shape into `shape`.
std::string_view bytes_of_entry(const Json& entry, std::string_view data,
                                std::vector<Index>& shape) {
  const auto offsets = entry.at("data_offsets").get<std::vector<std::uint64_t>>();
  if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data.size()) {
    refuse_safetensors("offsets that are outside of the file");
  }
  for (const Json& extent : entry.at("shape")) {
    if (!extent.is_number_unsigned()) refuse_safetensors("a shape that is none");
    shape.push_back(extent.get<Index>());
  }
  return data.substr(offsets[0], offsets[1] - offsets[0]);
}

}  // namespace

std::vector<ConvertedArray> read_safetensors(std::string_view file) {
  std::uint64_t length = 0;
  if (file.size() < sizeof length) refuse_safetensors("it is shorter than its first field");
  std::memcpy(&length, file.data(), sizeof length);
  if (length > kMostForeignHeader || length > file.size() - sizeof length) {
    refuse_safetensors(fmt::format("its header claims {} bytes", length));
  }
  const Json header =
      parse_json(file.substr(sizeof length, length), "its header",
                 {.depth = 4, .keys = 8 * kMostForeignArrays, .values = 32 * kMostForeignArrays});
  const std::string_view data = file.substr(sizeof length + length);
  const onnx::TensorValues values("");
  std::vector<ConvertedArray> arrays;
  try {
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") continue;
      onnx::Tensor tensor;
      tensor.name = name;
      tensor.type = static_cast<int>(float_type(entry.at("dtype").get<std::string>()));
      tensor.raw = bytes_of_entry(entry, data, tensor.shape);
      if (tensor.type == 0) continue;  // counts of batches
      ConvertedArray array{name, tensor.shape, values.floats(tensor)};
      arrays.push_back(std::move(array));
    }
  } catch (const nlohmann::json::exception& error) {
    refuse_safetensors(error.what());
  }
  return arrays;
}

}  // namespace kindred
