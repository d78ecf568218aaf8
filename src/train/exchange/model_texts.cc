#include "train/exchange/model_texts.h"

#include <fmt/format.h>

#include "core/texts/json_text.h"
#include "kindred/data/preparation.h"
#include "kindred/nn/precision.h"

namespace kindred {

std::map<std::string, std::string> model_texts(const Model& model) {
  const Shape& src = model.architecture.src;
  std::map<std::string, std::string> texts = {
      {"kindred.architecture", model.architecture.name},
      {"kindred.class_names", dump_json(model.class_names)},
      {"kindred.convolution", model.architecture.convolution},
      {"kindred.element", model.element == Element::u8 ? "u8" : "f32"},
      {"kindred.fingerprint", model.fingerprint},
      {"kindred.precision", std::string(name_of(model.architecture.precision))},
      {"kindred.recipe", model.recipe},
      {"kindred.size", dump_json({src.height, src.width, src.channels})},
      {"kindred.slice", fmt::format("{}", model.slice)},
      {"kindred.step", fmt::format("{}", model.step)},
  };
  if (model.preparation) texts["kindred.preparation"] = text_of(*model.preparation);
  if (model.threshold) texts["kindred.threshold"] = fmt::format("{}", *model.threshold);
  return texts;
}

}  // namespace kindred
