// Models: what stands beside the arrays.
#include "train/model_header.h"

#include "kindred/core/recipe.h"
#include "tensor_file.h"

// The header, a zero, the data.
KINDRED_FUZZ_TARGET(model) {
  using namespace kindred;
  const TensorFile file = fuzz::read_tensor_file(fuzz::write_tensor_file(bytes));
  const ModelHeader header = header_of_model(file);
  fuzz::require(header.src.channels >= 1 && header.src.height >= 1 && header.src.width >= 1);
  fuzz::require(header.src.size() <= Index{1} << 28 && header.slice >= 1 && header.step >= 0);
  Recipe::from_text(header.recipe, "it");
}
