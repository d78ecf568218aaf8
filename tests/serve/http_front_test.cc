#include "serve/http_front.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <semaphore>
#include <thread>

#include "kindred/core/error.h"
#include "support/temp_folder.h"

namespace kindred::serve {
namespace {

/// A connection that says what it is told to.
class Client {
 public:
  explicit Client(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    const timeval most{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
  }
  ~Client() { ::close(socket_); }

  void say(const std::string& text) const {
    std::size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t part = ::send(socket_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (part <= 0) return;  // the server has had enough
      sent += static_cast<std::size_t>(part);
    }
  }
  void end() const { ::shutdown(socket_, SHUT_WR); }

  /// Up to and with `mark`; with "", all until the server closes.
  std::string hear(const std::string& mark = "") {
    std::string text;
    char letter = 0;
    while (mark.empty() || !text.ends_with(mark)) {
      if (::recv(socket_, &letter, 1, 0) <= 0) break;
      text += letter;
    }
    return text;
  }

 private:
  int socket_;
};

/// A front that answers "METHOD TARGET: BODY", with limits small enough to meet.
class HttpFrontTest : public testing::Test {
 protected:
  void start(const std::function<void(HttpLimits&)>& change = {}) {
    HttpLimits limits;
    limits.head_bytes = 1024;
    limits.body_bytes = 1000;
    limits.threads = 2;
    if (change) change(limits);
    HttpFront::Calls calls;
    calls.gate = [](const HttpHead& head) -> std::optional<HttpReply> {
      if (head.target == "/refused") return error_reply(403, "refused");
      return std::nullopt;
    };
    calls.answer = [this](HttpRequest& request) {
      if (request.head.target == "/throws") throw std::runtime_error("broken");
      if (request.head.target == "/waits") {
        ++waiting;
        go_on.acquire();
      }
      HttpReply reply;
      reply.body = request.head.method + " " + request.head.target + ": " + request.body + "\n";
      return reply;
    };
    front = std::make_unique<HttpFront>("127.0.0.1", 0, limits, std::move(calls));
    thread = std::thread([this] { front->run(); });
  }
  void stop() {
    if (!thread.joinable()) return;
    front->stop();
    thread.join();
  }
  ~HttpFrontTest() override {
    go_on.release(100);
    stop();
  }

  /// The first line, and the body.
  std::string ask(const std::string& text) {
    Client client(front->port());
    client.say(text);
    client.end();
    return brief(client.hear());
  }
  static std::string brief(const std::string& reply) {
    const std::size_t body = reply.find("\r\n\r\n");
    if (body == std::string::npos) return reply;
    return reply.substr(9, 3) + " " + reply.substr(body + 4);
  }
  static std::string post(const std::string& fields, const std::string& body = "") {
    return "POST /a HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body;
  }
  void wait_for(int count) {
    while (waiting < count) std::this_thread::yield();
  }

  std::unique_ptr<HttpFront> front;
  std::thread thread;
  std::atomic<int> waiting{0};
  std::counting_semaphore<1000> go_on{0};
};

TEST_F(HttpFrontTest, Answers) {
  start();
  EXPECT_EQ(ask("GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n"), "200 GET /a?b: \n");
  EXPECT_EQ(ask(post("Content-Length: 3\r\n", "abc")), "200 POST /a: abc\n");
  EXPECT_EQ(ask(post("Transfer-Encoding: chunked\r\n", "2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n")),
            "200 POST /a: abc\n");
}

TEST_F(HttpFrontTest, KeepsConnectionsAndTheirOrder) {
  start();
  Client client(front->port());
  client.say(post("Content-Length: 1\r\n", "1") + post("Content-Length: 1\r\n", "2"));
  EXPECT_EQ(brief(client.hear("1\n")), "200 POST /a: 1\n");
  EXPECT_EQ(brief(client.hear("2\n")), "200 POST /a: 2\n");
  client.say(post("Content-Length: 1\r\nConnection: close\r\n", "3"));
  EXPECT_EQ(brief(client.hear()), "200 POST /a: 3\n");
}

TEST_F(HttpFrontTest, AnswersHeadWithoutABody) {
  start();
  Client client(front->port());
  client.say("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string reply = client.hear("\r\n\r\n");
  EXPECT_NE(reply.find("Content-Length: 10\r\n"), std::string::npos) << reply;
  client.say("GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(brief(client.hear()), "200 GET /b: \n");
}

TEST_F(HttpFrontTest, SaysGoOn) {
  start();
  Client client(front->port());
  client.say(post("Content-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n"));
  EXPECT_EQ(client.hear("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.say("abc");
  EXPECT_EQ(brief(client.hear()), "200 POST /a: abc\n");
  EXPECT_EQ(ask(post("Content-Length: 3\r\nExpect: more\r\n", "abc")).substr(0, 3), "417");
}

TEST_F(HttpFrontTest, RefusesWhatIsNoRequest) {
  start();
  for (const std::string& text : std::vector<std::string>{
           "nonsense\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
           "\x16\x03\x01\x02hello\r\n\r\n", "GET / HTTP/1.1\r\nno field\r\n\r\n",
           "GET / HTTP/1.1\r\n: x\r\n\r\n", "GET / HTTP/1.1\r\nHo st: x\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: x", post("Content-Length: -1\r\n"),
           post("Content-Length: 1x\r\n", "a"), post("Content-Length: 0x10\r\n"),
           post("Content-Length: 99999999999999999999\r\n"),
           post("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"),
           post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
           post("Transfer-Encoding: chunked\r\n", "x\r\n"),
           post("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n"),
           post("Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n"),
           post("Content-Length: 5\r\n", "abc"),
           post("Transfer-Encoding: chunked\r\n", "3\r\nab")}) {
    EXPECT_EQ(ask(text).substr(0, 4), "400 ") << text;
  }
}

TEST_F(HttpFrontTest, BoundsHeadAndBody) {
  start();
  const std::string much(2000, 'a');
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nX: " + much + "\r\n\r\n").substr(0, 3), "431");
  EXPECT_EQ(ask("GET /" + much + " HTTP/1.1\r\n\r\n").substr(0, 3), "431");
  EXPECT_EQ(ask(post("Content-Length: 1001\r\n", much)).substr(0, 3), "413");
  EXPECT_EQ(ask(post("Content-Length: 2147483648\r\n")).substr(0, 3), "413");
  EXPECT_EQ(
      ask(post("Transfer-Encoding: chunked\r\n", "7d0\r\n" + much + "\r\n0\r\n\r\n")).substr(0, 3),
      "413");
  EXPECT_EQ(ask(post("Content-Length: 1000\r\n", std::string(1000, 'a'))).substr(0, 3), "200");
}

TEST_F(HttpFrontTest, ARefusalIsReadByWhoStillSends) {
  start([](HttpLimits& limits) { limits.body_bytes = 4 << 20; });
  EXPECT_EQ(ask("POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" +
                std::string(3000000, 'a')),
            "403 {\"error\":\"refused\"}\n");
}

TEST_F(HttpFrontTest, EndsWhoSendsSlowly) {
  start([](HttpLimits& limits) {
    limits.head_seconds = 0.3;
    limits.body_seconds = 0.3;
    limits.idle_seconds = 0.3;
  });
  EXPECT_EQ(Client(front->port()).hear(), "");  // said nothing
  // A byte now and then gains nothing.
  const auto status_after = [&](const std::string& begun, int drops) {
    Client client(front->port());
    client.say(begun);
    std::thread dripping([&] {
      for (int i = 0; i < drops; ++i) {
        client.say("a");
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    });
    const std::string reply = client.hear();
    dripping.join();
    return reply.substr(0, 12);
  };
  EXPECT_EQ(status_after("GET / HT", 0), "HTTP/1.1 408");
  EXPECT_EQ(status_after("GET / HTTP/1.1\r\nX: ", 20), "HTTP/1.1 408");
  EXPECT_EQ(status_after(post("Content-Length: 50\r\n", "abc"), 20), "HTTP/1.1 408");
  EXPECT_EQ(status_after(post("Transfer-Encoding: chunked\r\n", "3\r\nab"), 0), "HTTP/1.1 408");
}

TEST_F(HttpFrontTest, TellsWhereTheQueueIsFull) {
  start([](HttpLimits& limits) {
    limits.threads = 1;
    limits.queue = 1;
  });
  const std::string waits = "GET /waits HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  Client first(front->port()), second(front->port());
  first.say(waits);
  wait_for(1);
  second.say(waits);
  while (front->state().waiting < 1) std::this_thread::yield();
  Client third(front->port());
  third.say("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string refused = third.hear();
  EXPECT_EQ(refused.substr(9, 3), "429");
  EXPECT_NE(refused.find("Retry-After: 1\r\n"), std::string::npos);
  go_on.release(2);
  EXPECT_EQ(brief(first.hear()), "200 GET /waits: \n");
  EXPECT_EQ(brief(second.hear()), "200 GET /waits: \n");
}

TEST_F(HttpFrontTest, BoundsTheBodiesOfAllTogether) {
  start([](HttpLimits& limits) { limits.bodies_bytes = 1500; });
  {
    Client first(front->port());
    first.say(post("Content-Length: 1000\r\n", "begun"));
    while (front->state().bodies_bytes < 1000) std::this_thread::yield();
    EXPECT_EQ(ask(post("Content-Length: 1000\r\n", std::string(1000, 'a'))).substr(0, 3), "429");
    EXPECT_EQ(ask(post("Content-Length: 500\r\n", std::string(500, 'a'))).substr(0, 3), "200");
  }
  while (front->state().bodies_bytes > 0) std::this_thread::yield();
  EXPECT_EQ(ask(post("Content-Length: 1000\r\n", std::string(1000, 'a'))).substr(0, 3), "200");
}

TEST_F(HttpFrontTest, BoundsConnections) {
  start([](HttpLimits& limits) { limits.connections = 1; });
  {
    Client first(front->port());
    while (front->state().connections < 1) std::this_thread::yield();
    EXPECT_EQ(Client(front->port()).hear().substr(9, 3), "503");
  }
  while (front->state().connections > 0) std::this_thread::yield();
  EXPECT_EQ(ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"), "200 GET /a: \n");
}

TEST_F(HttpFrontTest, AFailureIsAnAnswer) {
  start();
  EXPECT_EQ(ask("GET /throws HTTP/1.1\r\nHost: x\r\n\r\n"), "500 {\"error\":\"broken\"}\n");
  EXPECT_EQ(ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"), "200 GET /a: \n");
}

TEST_F(HttpFrontTest, AnswersWhatWasAskedBeforeItEnds) {
  start();
  Client idle(front->port()), asking(front->port());
  asking.say("GET /waits HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(1);
  front->stop();
  EXPECT_EQ(idle.hear(), "");
  go_on.release();
  const std::string reply = asking.hear();
  EXPECT_EQ(brief(reply), "200 GET /waits: \n");
  EXPECT_NE(reply.find("Connection: close\r\n"), std::string::npos);
  thread.join();
}

TEST_F(HttpFrontTest, SurvivesWhoLeaves) {
  start();
  for (int round = 0; round < 50; ++round) {
    Client client(front->port());
    client.say(round % 2 == 0 ? "GET /waits HTTP/1.1\r\nHost: x\r\n\r\n" : "POST / HT");
    if (round % 2 == 0) go_on.release();
  }
  while (front->state().connections > 0) std::this_thread::yield();
  EXPECT_EQ(ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"), "200 GET /a: \n");
}

TEST(HttpFront, SaysWhereItCannotListen) {
  const HttpFront first("127.0.0.1", 0, {}, {});
  test::expect_error(ErrorKind::usage, "cannot listen on 127.0.0.1 port",
                     [&] { HttpFront("127.0.0.1", first.port(), {}, {}); });
  test::expect_error(ErrorKind::usage, "cannot listen on 192.0.2.1",
                     [&] { HttpFront("192.0.2.1", 0, {}, {}); });
}

}  // namespace
}  // namespace kindred::serve
