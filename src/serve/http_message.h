#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "serve/json.h"

namespace kindred::serve {

/// What a request says before its body. Texts are as they came: hostile.
struct HttpHead {
  std::string method;
  std::string target;  ///< path and query
  std::vector<std::string> hosts;
  std::vector<std::string> origins;
  std::string authorization;
  std::string content_type;
  std::string fetch_site;  ///< Sec-Fetch-Site, as browsers send it
  std::string fetch_mode;
  bool has_length = false;  ///< Content-Length, or chunked
};

struct HttpRequest {
  HttpHead head;
  std::string body;
};

struct HttpReply {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;  ///< further header fields
  std::int64_t pictures = 0;                                ///< that were asked about, for the log
};

/// {"error": message}, the one form in which anything is refused.
HttpReply error_reply(int status, const std::string& message);
HttpReply json_reply(const Json& json, int status = 200);
/// 429 with Retry-After.
HttpReply busy_reply(const std::string& message);

}  // namespace kindred::serve
