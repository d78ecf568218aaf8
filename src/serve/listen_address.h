#pragma once
#include <string>

namespace kindred::serve {

/// What --listen says: an IP address and a port.
struct ListenAddress {
  std::string ip;  ///< "127.0.0.1", "::1"; "localhost" becomes the first
  int port = 0;    ///< 0: any that is free
  bool is_loopback = false;
  bool is_any = false;  ///< all addresses of the machine

  /// As it stands in a URL: "[::1]:8080".
  std::string text() const;
};

/// "127.0.0.1:8080", "[::1]:8080", "localhost:8080", ":8080" (all addresses). Fails with usage.
ListenAddress listen_address_of(const std::string& text);

/// True for "127.0.0.1" and "::1" without brackets: what no name server can make of a name.
bool is_ip(const std::string& text);

}  // namespace kindred::serve
