#include "serve/http_front.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <vector>

#include "kindred/core/error.h"
#include "serve/http_session.h"

namespace kindred::serve {
namespace {

namespace net = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr auto kTick = std::chrono::milliseconds(100);

const std::string kFull =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    "Content-Type: application/json\r\nContent-Length: 32\r\n\r\n"
    "{\"error\":\"too many connections\"}";

}  // namespace

struct HttpFront::Impl {
  Impl(const std::string& address, int port, const HttpLimits& limits, Calls calls)
      : shared(limits, std::move(calls)),
        acceptor(shared.context),
        clock(shared.context),
        signals(shared.context) {
    listen(address, port);
    shared.ended = [this] { end_if_drained(); };
  }
  ~Impl() {
    shared.ended = nullptr;  // what a call that never came holds ends with the context
  }

  void listen(const std::string& address, int port);
  void accept();
  void take(net::ip::tcp::socket socket);
  void tick();
  void drain();
  void end_if_drained();

  HttpShared shared;
  net::ip::tcp::acceptor acceptor;
  net::steady_timer clock;
  net::signal_set signals;
  Clock::time_point drained_until;
  bool is_accepting = false;
};

void HttpFront::Impl::listen(const std::string& address, int port) {
  boost::system::error_code error;
  const net::ip::address ip = net::ip::make_address(address, error);
  const net::ip::tcp::endpoint place(ip, static_cast<std::uint16_t>(port));
  if (!error) acceptor.open(place.protocol(), error);
  if (!error) acceptor.set_option(net::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(place, error);
  if (!error) acceptor.listen(net::socket_base::max_listen_connections, error);
  if (!error) return;
  fail(ErrorKind::usage, fmt::format("cannot listen on {} port {}: {}; name another address or "
                                     "port",
                                     address, port, error.message()));
}

void HttpFront::Impl::accept() {
  acceptor.async_accept([this](boost::system::error_code error, net::ip::tcp::socket socket) {
    is_accepting = false;
    if (!acceptor.is_open()) return;
    if (!error) take(std::move(socket));
    if (!error || error == net::error::connection_aborted) return accept();
    // No descriptors are left, or no memory: tick() tries again.
  });
  is_accepting = true;
}

void HttpFront::Impl::take(net::ip::tcp::socket socket) {
  boost::system::error_code ignored;
  if (static_cast<int>(shared.sessions.size()) >= shared.limits.connections) {
    socket.non_blocking(true, ignored);
    socket.write_some(net::buffer(kFull), ignored);
    socket.shutdown(net::ip::tcp::socket::shutdown_send, ignored);
    return;
  }
  socket.set_option(net::ip::tcp::no_delay(true), ignored);
  std::make_shared<HttpSession>(std::move(socket), shared)->start();
}

void HttpFront::Impl::tick() {
  const Clock::time_point now = Clock::now();
  const std::vector<HttpSession*> all(shared.sessions.begin(), shared.sessions.end());
  for (HttpSession* const session : all) session->look_at_clock(now);
  if (shared.draining && now > drained_until) shared.context.stop();
  if (!is_accepting && acceptor.is_open()) accept();
  clock.expires_after(kTick);
  clock.async_wait([this](boost::system::error_code error) {
    if (!error) tick();
  });
}

void HttpFront::Impl::drain() {
  if (shared.draining) return shared.context.stop();
  shared.draining = true;
  drained_until = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                     std::chrono::duration<double>(shared.limits.drain_seconds));
  boost::system::error_code ignored;
  acceptor.close(ignored);
  const std::vector<HttpSession*> all(shared.sessions.begin(), shared.sessions.end());
  for (HttpSession* const session : all) session->drain();
  end_if_drained();
}

void HttpFront::Impl::end_if_drained() {
  if (shared.draining && shared.sessions.empty()) shared.context.stop();
}

HttpFront::HttpFront(const std::string& address, int port, const HttpLimits& limits, Calls calls)
    : impl_(std::make_unique<Impl>(address, port, limits, std::move(calls))) {}
HttpFront::~HttpFront() = default;

int HttpFront::port() const { return impl_->acceptor.local_endpoint().port(); }

HttpState HttpFront::state() const {
  return {impl_->shared.connections, impl_->shared.work.waiting(), impl_->shared.bodies_bytes};
}

void HttpFront::run() {
  Impl& impl = *impl_;
  impl.signals.add(SIGTERM);
  impl.signals.add(SIGINT);
  const std::function<void()> listen_to_signals = [&] {
    impl.signals.async_wait([&](boost::system::error_code error, int) {
      if (error) return;
      impl.drain();
      listen_to_signals();
    });
  };
  listen_to_signals();
  impl.accept();
  impl.tick();
  impl.shared.context.run();
  impl.signals.clear();
}

void HttpFront::stop() {
  net::post(impl_->shared.context, [this] { impl_->drain(); });
}

}  // namespace kindred::serve
