#include "serve/routes.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "serve/json.h"
#include "serve/page.h"

namespace kindred::serve {
namespace {

TEST(Routes, LeadToEndpoints) {
  ASSERT_NE(route_of("POST", "/v1/embed").route, nullptr);
  EXPECT_EQ(route_of("POST", "/v1/embed").route->endpoint, Endpoint::embed);
  EXPECT_EQ(route_of("GET", "/v1/gallery").route->endpoint, Endpoint::gallery);
  EXPECT_EQ(route_of("POST", "/v1/gallery").route->endpoint, Endpoint::add);
  EXPECT_EQ(route_of("HEAD", "/").route->endpoint, Endpoint::page);
  const Routed removed = route_of("DELETE", "/v1/gallery/17");
  EXPECT_EQ(removed.route->endpoint, Endpoint::remove);
  EXPECT_EQ(removed.id, 17);
  EXPECT_EQ(route_of("GET", "/v1/gallery/9/thumbnail").id, 9);
}

TEST(Routes, TellWhichMethodsAPathTakes) {
  EXPECT_EQ(route_of("GET", "/v1/embed").route, nullptr);
  EXPECT_EQ(route_of("GET", "/v1/embed").allowed, "POST");
  EXPECT_EQ(route_of("PUT", "/v1/gallery").allowed, "GET, HEAD, POST");
  EXPECT_EQ(route_of("POST", "/healthz").allowed, "GET, HEAD");
}

TEST(Routes, KnowNoTricks) {
  for (const char* const path : {"",
                                 "//",
                                 "/v1",
                                 "/v1/",
                                 "/v1/embed/",
                                 "//v1/embed",
                                 "/V1/embed",
                                 "/v1/./embed",
                                 "/v1/x/../embed",
                                 "/v1%2Fembed",
                                 "/%2e%2e/etc/passwd",
                                 "/../../etc/passwd",
                                 "/page.js/",
                                 "/v1/gallery/",
                                 "/v1/gallery/0",
                                 "/v1/gallery/01",
                                 "/v1/gallery/-1",
                                 "/v1/gallery/+1",
                                 "/v1/gallery/1.0",
                                 "/v1/gallery/1e3",
                                 "/v1/gallery/99999999999999999999",
                                 "/v1/gallery/ 1",
                                 "/v1/gallery//thumbnail",
                                 "/v1/gallery/1/thumbnail/",
                                 "/v1/gallery/{id}",
                                 "/v1/gallery/1/2",
                                 "/v1/gallery/thumbnail"}) {
    const Routed routed = route_of("DELETE", path);
    EXPECT_EQ(routed.route, nullptr) << path;
    EXPECT_EQ(routed.allowed, "") << path;
  }
}

TEST(Routes, NeedATokenButForHealth) {
  for (const Route& route : routes()) {
    EXPECT_EQ(route.is_open, route.endpoint == Endpoint::health) << route.path;
  }
}

TEST(Routes, AreThoseOfTheOpenApiDocument) {
  std::map<std::string, std::set<std::string>> ours, documented;
  for (const Route& route : routes()) {
    ours[std::string(route.path)].insert(route.method == "GET"    ? "get"
                                         : route.method == "POST" ? "post"
                                                                  : "delete");
  }
  const Json document = Json::parse(kOpenApi);
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [method, what] : methods.items()) documented[path].insert(method);
  }
  EXPECT_EQ(ours, documented);
}

}  // namespace
}  // namespace kindred::serve
