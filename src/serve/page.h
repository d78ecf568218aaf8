#pragma once
#include <string_view>

namespace kindred::serve {

/// The files of src/serve/page/, put into the program by its embed.cmake.
extern const std::string_view kPage;     ///< page.html
extern const std::string_view kStyle;    ///< page.css
extern const std::string_view kScript;   ///< page.js
extern const std::string_view kOpenApi;  ///< openapi.json

}  // namespace kindred::serve
