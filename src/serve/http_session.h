#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <unordered_set>

#include "serve/http_front.h"
#include "serve/work_queue.h"

namespace kindred::serve {

class HttpSession;

/// What the connections of one front share. Its thread is that of run(), but for the counts.
struct HttpShared {
  HttpShared(const HttpLimits& wanted, HttpFront::Calls with)
      : limits(wanted),
        calls(std::move(with)),
        work(limits.threads, static_cast<std::size_t>(limits.queue)) {}

  const HttpLimits limits;
  const HttpFront::Calls calls;
  std::unordered_set<HttpSession*> sessions;
  bool draining = false;
  std::function<void()> ended;  ///< a session did
  std::atomic<int> connections{0};
  std::atomic<std::size_t> bodies_bytes{0};
  // Below what sessions use: those that are left end with it. The threads end before.
  boost::asio::io_context context{1};
  WorkQueue work;
};

/// One connection: a request at a time, in the order they come.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(boost::asio::ip::tcp::socket socket, HttpShared& shared);
  ~HttpSession();

  void start() { read_head(); }
  /// Ends what takes longer than it may. Called now and then.
  void look_at_clock(std::chrono::steady_clock::time_point now);
  /// No more requests are to come: ends now where none is under way.
  void drain();

 private:
  /// What it waits for; each has a time of its own.
  enum class Phase { idle, head, body, answer, reply, linger };
  using Result = boost::system::error_code;
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Response = boost::beast::http::response<boost::beast::http::string_body>;

  void enter(Phase phase, double seconds);
  void read_head();
  void wait_for_head();
  void take_head(Result result);
  void take_body(Result result);
  /// The answer to a result of reading that is none of a whole request.
  void give_up(Result result);
  void read_body();
  void answer();
  /// Reserves room for the body; false where all requests together take too much.
  bool reserve();
  void release();
  void refuse(HttpReply reply);
  void write(HttpReply reply);
  void written(Result result);
  void linger();
  void close();

  boost::asio::ip::tcp::socket socket_;
  HttpShared& shared_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<Response> response_;
  HttpRequest request_;
  std::size_t reserved_ = 0;
  Phase phase_ = Phase::idle;
  std::chrono::steady_clock::time_point until_;
  std::chrono::steady_clock::time_point asked_;
  bool is_late_ = false;  // what is read was cancelled by look_at_clock()
  bool closes_ = false;   // after the reply
  std::size_t lingered_ = 0;
};

}  // namespace kindred::serve
