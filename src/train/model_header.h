#pragma once
#include <optional>
#include <string>
#include <vector>

#include "kindred/core/shape.h"
#include "kindred/data/preparation.h"
#include "kindred/data/sample_kinds.h"
#include "kindred/train/tensor_file.h"

namespace kindred {

/// What a model's file says beside its arrays; checked, apart from the recipe.
struct ModelHeader {
  std::string recipe;
  Shape src;
  Index slice = 16;
  Element element = Element::u8;
  std::vector<std::string> class_names;
  std::optional<Preparation> preparation;
  std::optional<double> threshold;
  Index step = 0;
};

/// Fails with data.
ModelHeader header_of_model(const TensorFile& file);

}  // namespace kindred
