#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "kindred/core/parameters.h"
#include "kindred/train/tensor_file.h"

namespace kindred {

class Shards;

/// Each segment of a flat array as a tensor named prefix + segment. Where ranks share segments out,
/// `shards` gives what the others hold while the file is written: it has to outlive that.
void add_segments(TensorFile& file, std::string_view prefix, const ParameterTable& table,
                  std::span<const float> flat, Shards* shards = nullptr);
/// Each array as a tensor named prefix + array.
void add_state(TensorFile& file, std::string_view prefix, const State& state);

/// The tensor of that name; fails with data unless it is there with that type and shape.
const Tensor& find_tensor(const TensorFile& file, std::string_view name, DataType type,
                          const std::vector<Index>& shape);

/// The reverse of add_segments; every segment must be in the file with its shape.
void load_segments(const TensorFile& file, std::string_view prefix, const ParameterTable& table,
                   std::span<float> flat);

}  // namespace kindred
