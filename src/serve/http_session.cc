#include "serve/http_session.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <new>
#include <utility>

namespace kindred::serve {
namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;
using Clock = std::chrono::steady_clock;

// What is read and thrown away after a refusal, so that who still sends gets to read why.
constexpr std::size_t kMostLingered = 4 << 20;
constexpr double kLingerSeconds = 2;

Clock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

std::string text_of(boost::beast::string_view text) { return {text.data(), text.size()}; }

template <typename Fields>
std::vector<std::string> all_of(const Fields& fields, http::field name) {
  std::vector<std::string> values;
  const auto [first, last] = fields.equal_range(name);
  for (auto field = first; field != last; ++field) values.push_back(text_of(field->value()));
  return values;
}

template <typename Parser>
HttpHead head_of(const Parser& parser) {
  const auto& message = parser.get();
  HttpHead head;
  head.method = text_of(message.method_string());
  head.target = text_of(message.target());
  head.hosts = all_of(message, http::field::host);
  head.origins = all_of(message, http::field::origin);
  head.authorization = text_of(message[http::field::authorization]);
  head.content_type = text_of(message[http::field::content_type]);
  head.fetch_site = text_of(message["Sec-Fetch-Site"]);
  head.fetch_mode = text_of(message["Sec-Fetch-Mode"]);
  head.has_length = parser.content_length().has_value() || parser.chunked();
  return head;
}

// Of what Beast could not read. It keeps to RFC 7230: two lengths, a length that is no number, and
// a length beside chunks are errors.
HttpReply reply_to(const boost::system::error_code& error, const HttpLimits& limits) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return error_reply(431,
                       fmt::format("the header fields take more than {} bytes", limits.head_bytes));
  }
  if (error == http::error::body_limit) {
    return error_reply(413, fmt::format("the body takes more than {} bytes; --max-body says how "
                                        "many it may",
                                        limits.body_bytes));
  }
  return error_reply(400, fmt::format("this is no HTTP request: {}", error.message()));
}

}  // namespace

HttpSession::HttpSession(net::ip::tcp::socket socket, HttpShared& shared)
    // Room for a whole head, and for what of the body comes with it.
    : socket_(std::move(socket)), shared_(shared), buffer_(shared.limits.head_bytes + (64 << 10)) {
  shared_.sessions.insert(this);
  shared_.connections = static_cast<int>(shared_.sessions.size());
}

HttpSession::~HttpSession() {
  release();
  shared_.sessions.erase(this);
  shared_.connections = static_cast<int>(shared_.sessions.size());
  if (shared_.ended) shared_.ended();
}

void HttpSession::enter(Phase phase, double seconds) {
  phase_ = phase;
  until_ = Clock::now() + duration_of(seconds);
}

void HttpSession::look_at_clock(Clock::time_point now) {
  if (phase_ == Phase::answer || now < until_) return;
  if (phase_ == Phase::head || phase_ == Phase::body) {
    // The reading ends with an error of its own, if not now, then next time.
    is_late_ = true;
    Result ignored;
    socket_.cancel(ignored);
  } else {
    close();
  }
}

void HttpSession::drain() {
  closes_ = true;
  if (phase_ == Phase::idle) close();
}

void HttpSession::read_head() {
  request_ = {};
  response_.reset();
  is_late_ = false;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(shared_.limits.head_bytes));
  parser_->body_limit(shared_.limits.body_bytes);
  if (buffer_.size() > 0) return wait_for_head();  // the next request came with the last one
  if (shared_.draining) return close();
  enter(Phase::idle, shared_.limits.idle_seconds);
  socket_.async_wait(net::ip::tcp::socket::wait_read, [self = shared_from_this()](Result result) {
    if (!result && self->socket_.is_open()) self->wait_for_head();
  });
}

void HttpSession::wait_for_head() {
  enter(Phase::head, shared_.limits.head_seconds);
  http::async_read_header(
      socket_, buffer_, *parser_,
      [self = shared_from_this()](Result result, std::size_t) { self->take_head(result); });
}

void HttpSession::take_head(Result result) {
  asked_ = Clock::now();
  if (result) return give_up(result);
  request_.head = head_of(*parser_);
  closes_ = closes_ || shared_.draining || !parser_->get().keep_alive();
  if (std::optional<HttpReply> reply = shared_.calls.gate(request_.head)) {
    return refuse(std::move(*reply));
  }
  const boost::beast::string_view expected = parser_->get()[http::field::expect];
  const bool waits = boost::beast::iequals(expected, "100-continue");
  if (!expected.empty() && !waits) {
    return refuse(error_reply(417, "Expect: nothing but 100-continue is known"));
  }
  if (parser_->is_done()) return answer();
  if (!reserve()) {
    return refuse(busy_reply("the bodies of other requests take all the memory there is for them"));
  }
  if (!waits) return read_body();
  static const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  enter(Phase::reply, shared_.limits.reply_seconds);
  net::async_write(socket_, net::buffer(go_on),
                   [self = shared_from_this()](Result written, std::size_t) {
                     if (!written) self->read_body();
                   });
}

bool HttpSession::reserve() {
  const auto length = parser_->content_length();
  const std::size_t bytes = length ? static_cast<std::size_t>(*length) : shared_.limits.body_bytes;
  if (shared_.bodies_bytes + bytes > shared_.limits.bodies_bytes) return false;
  reserved_ = bytes;
  shared_.bodies_bytes += bytes;
  return true;
}

void HttpSession::release() {
  shared_.bodies_bytes -= reserved_;
  reserved_ = 0;
}

void HttpSession::read_body() {
  enter(Phase::body, shared_.limits.body_seconds);
  http::async_read(
      socket_, buffer_, *parser_,
      [self = shared_from_this()](Result result, std::size_t) { self->take_body(result); });
}

void HttpSession::take_body(Result result) {
  if (result) return give_up(result);
  answer();
}

void HttpSession::give_up(Result result) {
  if (is_late_) return refuse(error_reply(408, "the request did not come in time"));
  if (result == http::error::partial_message) {
    return refuse(error_reply(400, "the request ends before its end"));
  }
  const bool is_read = result.category() == make_error_code(http::error::bad_target).category();
  if (!is_read || result == http::error::end_of_stream) return close();  // the other side has left
  refuse(reply_to(result, shared_.limits));
}

void HttpSession::answer() {
  enter(Phase::answer, 0);
  request_.body = std::move(parser_->get().body());
  // The answer is made on another thread, which touches nothing of the session but its request.
  const auto work = [self = shared_from_this()]() mutable {
    HttpReply reply;
    try {
      reply = self->shared_.calls.answer(self->request_);
    } catch (const std::bad_alloc&) {
      reply = error_reply(503, "the server has no memory for this");
    } catch (const std::exception& error) {
      reply = error_reply(500, error.what());
    }
    HttpSession& session = *self;
    net::post(session.shared_.context,
              [self = std::move(self), reply = std::move(reply)]() mutable {
                self->write(std::move(reply));
              });
  };
  if (!shared_.work.take(work)) write(busy_reply("too many requests wait for an answer"));
}

// What is left of the request is not read: nothing can follow on this connection.
void HttpSession::refuse(HttpReply reply) {
  closes_ = closes_ || !parser_->is_done();
  write(std::move(reply));
}

void HttpSession::write(HttpReply reply) {
  const std::size_t received = request_.body.size();
  request_.body = {};
  release();
  closes_ = closes_ || shared_.draining;
  response_.emplace(http::int_to_status(static_cast<unsigned>(reply.status)), 11);
  response_->result(static_cast<unsigned>(reply.status));
  Response& response = *response_;
  response.set(http::field::server, "kindred");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Referrer-Policy", "no-referrer");
  response.set("Cross-Origin-Resource-Policy", "same-origin");
  response.set(http::field::cache_control, "no-store");
  for (const auto& [name, value] : reply.fields) response.set(name, value);
  if (!reply.body.empty()) response.set(http::field::content_type, reply.type);
  response.keep_alive(!closes_);
  const std::size_t size = reply.body.size();
  if (request_.head.method != "HEAD") response.body() = std::move(reply.body);
  if (reply.status != 204) response.content_length(size);
  if (shared_.calls.told) {
    shared_.calls.told({request_.head, reply.status, received, response.body().size(),
                        reply.pictures,
                        std::chrono::duration<double>(Clock::now() - asked_).count()});
  }
  enter(Phase::reply, shared_.limits.reply_seconds);
  http::async_write(socket_, response, [self = shared_from_this()](Result result, std::size_t) {
    self->written(result);
  });
}

void HttpSession::written(Result result) {
  if (result) return close();
  if (!closes_) return read_head();
  socket_.shutdown(net::ip::tcp::socket::shutdown_send, result);
  const bool is_read = parser_->is_done() && buffer_.size() == 0;
  if (result || is_read) return close();
  enter(Phase::linger, kLingerSeconds);
  buffer_.clear();
  linger();
}

// Closing a socket with bytes that nobody read would take the reply back from who sent them.
void HttpSession::linger() {
  buffer_.clear();
  socket_.async_read_some(buffer_.prepare(16 << 10),
                          [self = shared_from_this()](Result result, std::size_t bytes) {
                            self->lingered_ += bytes;
                            if (result || self->lingered_ > kMostLingered) return self->close();
                            self->linger();
                          });
}

void HttpSession::close() {
  Result ignored;
  socket_.close(ignored);
}

}  // namespace kindred::serve
