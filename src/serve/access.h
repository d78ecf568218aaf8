#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http_message.h"
#include "serve/listen_address.h"

namespace kindred::serve {

/// Who may ask. Pages of others that a browser of this machine shows must not: a name of theirs may
/// point to this address (DNS rebinding), and they may send forms (request forgery).
struct Access {
  ListenAddress address;
  std::vector<std::string> names;  ///< further hosts, as a proxy in front is called
  std::string token;               ///< "": everybody that reaches the address
  std::string how_to_name = {};    ///< for who asks by another host: how it becomes one of `names`
};

/// The answer to who may not: 400 for no Host or two, 403 for a foreign Host or Origin, 401 without
/// the token. Nothing where all is well. `is_open`: the path needs no token.
std::optional<HttpReply> refusal(const Access& access, const HttpHead& head, bool is_open);

/// Takes as long for any two texts of these lengths.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// Nothing where it is no Base64.
std::optional<std::string> from_base64(std::string_view text);

/// The one line of a file: at least 16 printable letters without spaces. Fails with no_input or
/// data.
std::string read_token(const std::string& path);
/// Whether everybody on the machine may read it.
bool is_readable_by_all(const std::string& path);

}  // namespace kindred::serve
