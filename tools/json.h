#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace kindred::tools {

using Json = nlohmann::ordered_json;

/// JSON of it, on one line without `indent`: the one way in which the program makes text of JSON.
/// Names of files may be no UTF-8: other bytes come out as U+FFFD.
std::string json_text(const Json& json, int indent = -1);

/// Discarded where the text is no JSON, or nested deeper than any of ours.
Json parse_json(std::string_view text);

}  // namespace kindred::tools
