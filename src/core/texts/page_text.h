#pragma once
#include <string>
#include <string_view>

namespace kindred {

/// The text in an HTML page, between tags or in an attribute's quotes: it cannot become markup.
std::string html_text(std::string_view text);

/// As data URIs have bytes.
std::string base64(std::string_view bytes);

}  // namespace kindred
