#pragma once
#include <string>

namespace kindred::tools {

/// Fails with data where a gallery is named in place of a model; `instead` says what is right.
void require_no_gallery(const std::string& model, const std::string& instead);

}  // namespace kindred::tools
