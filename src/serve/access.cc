#include "serve/access.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>

#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred::serve {
namespace {

constexpr std::size_t kLeastToken = 16;
constexpr std::size_t kMostToken = 1024;

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return text;
}

struct HostPort {
  std::string host;  // in small letters, without brackets
  std::string port;  // "80" where it is not said
};

// Nothing where it is no host with a port, as Host and Origin have them.
std::optional<HostPort> parse_host(const std::string& text, const std::string& usual_port) {
  const bool bracketed = text.starts_with('[');
  const std::size_t end = bracketed ? text.find(']') : text.find(':');
  HostPort parsed{lower(text.substr(bracketed ? 1 : 0,
                                    end == std::string::npos ? end : end - (bracketed ? 1 : 0))),
                  usual_port};
  if (bracketed && end == std::string::npos) return std::nullopt;
  const std::size_t rest = end == std::string::npos ? text.size() : end + (bracketed ? 1 : 0);
  if (rest < text.size()) {
    if (text[rest] != ':') return std::nullopt;
    parsed.port = text.substr(rest + 1);
    const bool digits =
        std::ranges::all_of(parsed.port, [](char c) { return c >= '0' && c <= '9'; });
    if (parsed.port.empty() || parsed.port.size() > 5 || !digits) return std::nullopt;
  }
  const bool plain = std::ranges::all_of(parsed.host, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
           (bracketed && c == ':');
  });
  if (parsed.host.empty() || !plain) return std::nullopt;
  return parsed;
}

bool names_us(const Access& access, const HostPort& host) {
  if (std::ranges::find(access.names, host.host) != access.names.end()) return true;
  if (host.port != std::to_string(access.address.port)) return false;
  if (host.host == access.address.ip) return true;
  if (host.host == "localhost") return access.address.is_loopback || access.address.is_any;
  // A page's name may point here, but none is an address.
  return access.address.is_any && is_ip(host.host);
}

// An origin is a scheme and a host. One that is ours may be behind a proxy that speaks TLS.
bool is_our_origin(const Access& access, const std::string& origin) {
  for (const auto& [scheme, port] : {std::pair("http://", "80"), std::pair("https://", "443")}) {
    if (!origin.starts_with(scheme)) continue;
    const auto host = parse_host(origin.substr(std::string_view(scheme).size()), port);
    return host && names_us(access, *host);
  }
  return false;
}

// Browsers say where a request comes from even where they send no Origin: for pictures and scripts.
bool is_embedded_elsewhere(const HttpHead& head) {
  if (head.fetch_site != "cross-site" && head.fetch_site != "same-site") return false;
  return head.method != "GET" || head.fetch_mode != "navigate";
}

std::string_view token_in(const std::string& authorization, std::string& room) {
  const std::size_t space = authorization.find(' ');
  if (space == std::string::npos) return {};
  const std::string scheme = lower(authorization.substr(0, space));
  const std::string_view rest = std::string_view(authorization).substr(space + 1);
  if (scheme == "bearer") return rest;
  if (scheme != "basic") return {};
  room = from_base64(rest).value_or("");
  const std::size_t colon = room.find(':');
  if (colon == std::string::npos) return {};
  return std::string_view(room).substr(colon + 1);
}

}  // namespace

std::optional<HttpReply> refusal(const Access& access, const HttpHead& head, bool is_open) {
  if (head.hosts.size() != 1) {
    return error_reply(400, fmt::format("Host: expected one, found {}", head.hosts.size()));
  }
  const auto host = parse_host(head.hosts.front(), "80");
  if (!host || !names_us(access, *host)) {
    return error_reply(403, "Host does not name this server" + access.how_to_name);
  }
  for (const std::string& origin : head.origins) {
    if (!is_our_origin(access, origin)) return error_reply(403, "Origin is another site");
  }
  if (is_embedded_elsewhere(head)) return error_reply(403, "the request is of another site's page");
  if (access.token.empty() || is_open) return std::nullopt;
  std::string room;
  if (equal_in_constant_time(token_in(head.authorization, room), access.token)) return std::nullopt;
  HttpReply reply = error_reply(
      401,
      "the token is missing or wrong; Authorization: Bearer TOKEN, or Basic with the token "
      "as password");
  reply.fields.emplace_back("WWW-Authenticate", "Basic realm=\"kindred\", charset=\"UTF-8\"");
  return reply;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  volatile unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    difference = static_cast<unsigned char>(difference | static_cast<unsigned char>(a[i] ^ other));
  }
  return difference == 0;
}

std::optional<std::string> from_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned int bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t value = kLetters.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<unsigned int>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 0xFF);
    }
  }
  return bytes;
}

std::string read_token(const std::string& path) {
  const std::vector<std::byte> bytes = read_file(path, 1 << 16);
  std::string token(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
  const bool plain =
      std::ranges::all_of(token, [](unsigned char c) { return c > ' ' && c < 0x7F; });
  if (plain && token.size() >= kLeastToken && token.size() <= kMostToken) return token;
  fail(ErrorKind::data,
       fmt::format("{}: expected one line of {} to {} letters without spaces, found {}; make one: "
                   "head -c 24 /dev/urandom | base64 > TOKEN",
                   path, kLeastToken, kMostToken,
                   plain ? fmt::format("{}", token.size()) : "others"));
}

bool is_readable_by_all(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
         (found.st_mode & S_IROTH) != 0;
}

}  // namespace kindred::serve
