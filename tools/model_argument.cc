#include "model_argument.h"

#include <fmt/format.h>

#include <filesystem>

#include "kindred/core/error.h"
#include "kindred/gallery/gallery.h"

namespace kindred::tools {

void require_no_gallery(const std::string& model, const std::string& instead) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(model, none) || !kGalleryFile.is(model)) return;
  fail(ErrorKind::data, fmt::format("{}: is a gallery, not a model; {}", model, instead));
}

}  // namespace kindred::tools
