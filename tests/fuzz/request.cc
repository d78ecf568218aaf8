// What a request says: target, Host, Origin, token, and a form's parts. The first line is the
// target, the second Host and Origin, the third Authorization; the rest is a form whose boundary is
// "b".
#include "fuzz.h"
#include "serve/access.h"
#include "serve/multipart.h"
#include "serve/routes.h"
#include "serve/target.h"

KINDRED_FUZZ_TARGET(request) {
  using namespace kindred::serve;
  std::string lines[3];
  for (std::string& line : lines) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    line = bytes.substr(0, end);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  if (const auto target = parse_target(lines[0])) {
    const Routed routed = route_of("DELETE", target->path);
    kindred::fuzz::require(routed.id >= 0 && (routed.route == nullptr || routed.id > 0));
  }
  static const Access access{listen_address_of("127.0.0.1:8080"), {}, "correct-horse-battery"};
  HttpHead head;
  head.hosts = {lines[1]};
  head.origins = {lines[1]};
  head.authorization = lines[2];
  refusal(access, head, false);
  boundary_of(lines[2]);
  for (const FormPart& part : parse_multipart(bytes, "b", 64)) {
    kindred::fuzz::require(!part.name.empty());
    kindred::fuzz::require(part.content.empty() || (part.content.data() >= bytes.data() &&
                                                    part.content.data() + part.content.size() <=
                                                        bytes.data() + bytes.size()));
  }
}
