#include "serve/routes.h"

#include <array>
#include <charconv>
#include <optional>

namespace kindred::serve {
namespace {

constexpr std::array kRoutes = {
    Route{"GET", "/", Endpoint::page},
    Route{"GET", "/page.css", Endpoint::style},
    Route{"GET", "/page.js", Endpoint::script},
    Route{"GET", "/healthz", Endpoint::health, true},
    Route{"GET", "/metrics", Endpoint::metrics},
    Route{"GET", "/openapi.json", Endpoint::openapi},
    Route{"GET", "/v1/model", Endpoint::model},
    Route{"POST", "/v1/embed", Endpoint::embed},
    Route{"POST", "/v1/compare", Endpoint::compare},
    Route{"POST", "/v1/find", Endpoint::find},
    Route{"POST", "/v1/identify", Endpoint::identify},
    Route{"GET", "/v1/gallery", Endpoint::gallery},
    Route{"POST", "/v1/gallery", Endpoint::add},
    Route{"DELETE", "/v1/gallery/{id}", Endpoint::remove},
    Route{"GET", "/v1/gallery/{id}/thumbnail", Endpoint::thumbnail},
};

// Digits without a zero in front, up to 18.
std::optional<Index> id_of(std::string_view text) {
  if (text.empty() || text.size() > 18 || text.front() < '1' || text.front() > '9') {
    return std::nullopt;
  }
  Index id = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), id);
  if (read.ptr != text.data() + text.size()) return std::nullopt;
  return id;
}

// The id in it, or 0 where the pattern has none; nothing where it does not match.
std::optional<Index> match(std::string_view pattern, std::string_view path) {
  constexpr std::string_view kId = "{id}";
  const std::size_t at = pattern.find(kId);
  if (at == std::string_view::npos) return pattern == path ? std::optional<Index>(0) : std::nullopt;
  const std::string_view before = pattern.substr(0, at);
  const std::string_view after = pattern.substr(at + kId.size());
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) ||
      !path.ends_with(after)) {
    return std::nullopt;
  }
  return id_of(path.substr(at, path.size() - before.size() - after.size()));
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

Routed route_of(std::string_view method, std::string_view path) {
  if (method == "HEAD") method = "GET";
  Routed routed;
  for (const Route& route : kRoutes) {
    const std::optional<Index> id = match(route.path, path);
    if (!id) continue;
    if (!routed.allowed.empty()) routed.allowed += ", ";
    routed.allowed += route.method;
    if (route.method == "GET") routed.allowed += ", HEAD";
    if (route.method != method) continue;
    routed.route = &route;
    routed.id = *id;
  }
  return routed;
}

}  // namespace kindred::serve
