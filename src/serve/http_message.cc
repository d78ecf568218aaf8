#include "serve/http_message.h"

namespace kindred::serve {

HttpReply error_reply(int status, const std::string& message) {
  return json_reply(Json{{"error", message}}, status);
}

HttpReply json_reply(const Json& json, int status) {
  HttpReply reply;
  reply.status = status;
  reply.body = json_text(json) + "\n";
  return reply;
}

HttpReply busy_reply(const std::string& message) {
  HttpReply reply = error_reply(429, message);
  reply.fields.emplace_back("Retry-After", "1");
  return reply;
}

}  // namespace kindred::serve
