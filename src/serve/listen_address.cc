#include "serve/listen_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <charconv>

#include "kindred/core/error.h"

namespace kindred::serve {
namespace {

[[noreturn]] void refuse_address(const std::string& text) {
  fail(ErrorKind::usage,
       fmt::format("serve: --listen {}: expected an IP address and a port, as 127.0.0.1:8080, "
                   "[::1]:8080 or localhost:8080",
                   text));
}

// 127.0.0.0/8 and ::1, and the former as IPv6 has it.
bool is_loopback_ip(const std::string& ip) {
  in_addr four{};
  if (inet_pton(AF_INET, ip.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
  in6_addr six{};
  if (inet_pton(AF_INET6, ip.c_str(), &six) != 1) return false;
  return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
}

bool is_any_ip(const std::string& ip) {
  in_addr four{};
  if (inet_pton(AF_INET, ip.c_str(), &four) == 1) return four.s_addr == 0;
  in6_addr six{};
  return inet_pton(AF_INET6, ip.c_str(), &six) == 1 && IN6_IS_ADDR_UNSPECIFIED(&six);
}

}  // namespace

bool is_ip(const std::string& text) {
  in6_addr room{};
  return inet_pton(AF_INET, text.c_str(), &room) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &room) == 1;
}

std::string ListenAddress::text() const {
  return ip.find(':') == std::string::npos ? fmt::format("{}:{}", ip, port)
                                           : fmt::format("[{}]:{}", ip, port);
}

ListenAddress listen_address_of(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) refuse_address(text);
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    refuse_address(text);  // "::1:8080" could mean two things
  }
  if (host == "localhost") host = "127.0.0.1";
  if (host.empty()) host = "0.0.0.0";
  ListenAddress address;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + colon + 1, end, address.port);
  if (read.ec != std::errc() || read.ptr != end || address.port < 0 || address.port > 65535 ||
      !is_ip(host)) {
    refuse_address(text);
  }
  address.ip = host;
  address.is_loopback = is_loopback_ip(host);
  address.is_any = is_any_ip(host);
  return address;
}

}  // namespace kindred::serve
