#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace kindred::serve {

using Json = nlohmann::ordered_json;

/// JSON of it, on one line: the one way in which the server makes text of JSON. Bytes that are not
/// UTF-8 come out as U+FFFD. Not core's dump_json(): the installed program sees what the shared
/// library shows, and that does not.
std::string json_text(const Json& json);

/// A number with the digits that tell its float from others, no more.
Json json_number(float value);

}  // namespace kindred::serve
