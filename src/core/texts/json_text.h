#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "kindred/core/index.h"

namespace kindred {

using Json = nlohmann::ordered_json;

/// What JSON that others wrote may be. Measured before it is parsed: what parses it recurses, and
/// looks keys up one by one.
struct JsonLimits {
  Index depth = 16;
  Index keys = 1000;              ///< of all objects together
  Index values = Index{1} << 24;  ///< elements of lists
};

/// Why the text is not parsed; "" where it keeps to the limits.
std::string beyond(std::string_view json, const JsonLimits& limits);

/// JSON of it: the one way in which the library makes text of JSON. Never fails: bytes that are not
/// UTF-8 come out as U+FFFD. Names are valid before that (core/text.h); this is for what was
/// forgotten.
std::string dump_json(const Json& json);

/// A text in quotes, as JSON and TOML write it.
std::string quoted(const std::string& text);

/// Fails with data, naming `where`, on what is no JSON or beyond the limits.
Json parse_json(std::string_view text, const std::string& where, const JsonLimits& limits = {});

}  // namespace kindred
