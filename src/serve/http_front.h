#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "serve/http_message.h"

namespace kindred::serve {

/// What one who asks may take of the server. Seconds are by the clock, from the first byte waited
/// for: who sends slowly gains nothing by sending a little.
struct HttpLimits {
  std::size_t head_bytes = 16 << 10;
  std::size_t body_bytes = 16 << 20;
  std::size_t bodies_bytes = 256 << 20;  ///< of all requests together
  int connections = 256;
  int threads = 32;  ///< requests that are answered at a time
  int queue = 64;    ///< and that wait for one of these
  double head_seconds = 10;
  double body_seconds = 30;
  double reply_seconds = 30;
  double idle_seconds = 30;   ///< a connection that asks nothing
  double drain_seconds = 30;  ///< from the signal to the end
};

/// What became of a request.
struct Exchange {
  HttpHead head;  ///< empty where it could not be read
  int status = 0;
  std::size_t received = 0;  ///< bytes of the body
  std::size_t sent = 0;
  std::int64_t pictures = 0;
  double seconds = 0;  ///< from its head on
};

/// How it stands.
struct HttpState {
  int connections = 0;
  std::size_t waiting = 0;       ///< requests
  std::size_t bodies_bytes = 0;  ///< reserved
};

/// HTTP/1.1 on one address: connections, limits, and threads that answer. Boost.Beast reads and
/// writes, and only this source knows it.
class HttpFront {
 public:
  struct Calls {
    /// Looks at a head before the body is read; what it returns is the answer. On the thread of
    /// run().
    std::function<std::optional<HttpReply>(const HttpHead&)> gate;
    /// Answers; on one of the threads. What it throws becomes 500.
    std::function<HttpReply(HttpRequest&)> answer;
    /// Hears of each exchange, on the thread of run().
    std::function<void(const Exchange&)> told;
  };

  /// Listens from here on: `address` is an IP address; port 0 is any that is free. Fails with
  /// usage where the address is none of this machine or taken.
  HttpFront(const std::string& address, int port, const HttpLimits& limits, Calls calls);
  ~HttpFront();

  int port() const;
  /// Thread-safe.
  HttpState state() const;
  /// Serves until SIGTERM, SIGINT or stop(); then takes no more connections, answers what has been
  /// asked, and returns. A second signal ends at once.
  void run();
  /// Thread-safe.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kindred::serve
