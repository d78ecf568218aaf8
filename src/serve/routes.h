#pragma once
#include <span>
#include <string>
#include <string_view>

#include "kindred/core/index.h"

namespace kindred::serve {

enum class Endpoint {
  page,
  style,
  script,
  health,
  metrics,
  openapi,
  model,
  embed,
  compare,
  find,
  identify,
  gallery,
  add,
  remove,
  thumbnail
};

struct Route {
  std::string_view method;
  std::string_view path;  ///< "{id}" is a number above 0
  Endpoint endpoint;
  bool is_open = false;  ///< needs no token
};

/// All there are.
std::span<const Route> routes();

/// Where a request goes.
struct Routed {
  const Route* route = nullptr;  ///< nullptr: nowhere
  Index id = 0;                  ///< of "{id}"
  std::string allowed;           ///< where the path is known: its methods, "GET, HEAD"
};

/// HEAD goes where GET does. Paths are compared as they are: no "..", no "%", no second slash.
Routed route_of(std::string_view method, std::string_view path);

}  // namespace kindred::serve
