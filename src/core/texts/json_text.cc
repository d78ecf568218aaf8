#include "core/texts/json_text.h"

#include <fmt/format.h>

#include "kindred/core/error.h"
#include "kindred/core/text.h"

namespace kindred {

std::string beyond(std::string_view json, const JsonLimits& limits) {
  Index depth = 0;
  Index keys = 0;
  Index values = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text) {
      if (c == '\\') ++i;
      in_text = c != '"';
      continue;
    }
    in_text = c == '"';
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (c == ':') ++keys;
    if (c == ',') ++values;
    if (depth > limits.depth) return fmt::format("is nested more than {} deep", limits.depth);
    if (keys > limits.keys) return fmt::format("has more than {} keys", limits.keys);
    if (values > limits.values) return fmt::format("has more than {} values", limits.values);
  }
  return "";
}

std::string dump_json(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string quoted(const std::string& text) { return dump_json(Json(text)); }

Json parse_json(std::string_view text, const std::string& where, const JsonLimits& limits) {
  const std::string reason = beyond(text, limits);
  if (!reason.empty()) fail(ErrorKind::data, fmt::format("{} {}", where, reason));
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::data, fmt::format("{} is no JSON: {}", where, printable(error.what())));
  }
}

}  // namespace kindred
