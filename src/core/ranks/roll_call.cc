#include "core/ranks/roll_call.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "core/threads.h"
#include "kindred/core/text.h"

namespace kindred {
namespace {

using Clock = std::chrono::steady_clock;

// What a note begins with; its length and its text follow.
constexpr char kAlive = 'a';
constexpr char kFailed = 'f';   // the text begins with a code
constexpr char kVerdict = 'v';  // likewise
constexpr char kGoodbye = 'g';

constexpr int kPace = 250;           // milliseconds between two looks
constexpr double kSaysItLives = 1;   // seconds
constexpr double kOwnSleep = 5;      // seconds: this process was stopped itself
constexpr int kAfterVerdict = 1000;  // milliseconds
constexpr int kPatience = 5000;      // milliseconds for a connection, and for an answer
constexpr std::size_t kMostText = 65536;
constexpr int kLost = static_cast<int>(ErrorKind::system);

double seconds_since(Clock::time_point then) {
  return std::chrono::duration<double>(Clock::now() - then).count();
}

bool is_ready(int socket, short what, int milliseconds) {
  pollfd waiting{socket, what, 0};
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, milliseconds);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

/// False where the other side is gone, or takes nothing any more.
bool send_bytes(int socket, const void* bytes, std::size_t size) {
  const auto* from = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t sent = ::send(socket, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno != EAGAIN || !is_ready(socket, POLLOUT, kPace))) return false;
    if (sent > 0) {
      from += sent;
      size -= static_cast<std::size_t>(sent);
    }
  }
  return true;
}

bool receive_bytes(int socket, void* bytes, std::size_t size) {
  auto* to = static_cast<char*>(bytes);
  while (size > 0) {
    if (!is_ready(socket, POLLIN, kPatience)) return false;
    const ssize_t got = ::recv(socket, to, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool send_note(int socket, char kind, const std::string& text) {
  std::string note(1, kind);
  const auto length = static_cast<std::uint32_t>(text.size());
  note.append(reinterpret_cast<const char*>(&length), sizeof length);
  note += text;
  return send_bytes(socket, note.data(), note.size());
}

void write_line(const std::string& text) {
  const std::string line = "kindred: " + printable(text) + "\n";
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
}

}  // namespace

/// What every rank has to know to reach rank 0. IPv4: what clusters speak.
struct RollCall::Card {
  std::array<std::byte, 16> secret{};
  std::array<std::uint32_t, 32> addresses{};  // in network order, the loopback first
  std::uint32_t count = 0;
  std::uint16_t port = 0;
};

struct RollCall::Line {
  int socket = -1;
  int rank = 0;
  Clock::time_point heard = Clock::now();
  std::string unread;
  std::atomic<bool> over{false};  // it said goodbye, or is gone

  ~Line() {
    if (socket >= 0) ::close(socket);
  }
};

RollCall::RollCall(ProcessGroup& group, const std::string& host, std::function<void(int)> end)
    : rank_(group.rank()),
      size_(group.size()),
      hosts_(group.gather_texts(host)),
      end_(std::move(end)) {
  Card card;
  if (rank_ == 0) listen(card);
  group.broadcast(std::as_writable_bytes(std::span(&card, 1)));
  secret_.assign(card.secret.begin(), card.secret.end());
  if (rank_ == 0) {
    thread_ = start_thread([this] { watch(); });
  } else {
    connect(card);
  }
  const bool lost = rank_ != 0 && lines_.empty();
  const std::vector<std::string> all = group.gather_texts(lost ? name_of_rank(rank_) : "");
  for (const std::string& name : all) {
    if (name.empty()) continue;
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
    fail(ErrorKind::system,
         fmt::format(
             "{} reaches none of the {} addresses of {} by TCP, port {}: the ranks could "
             "not tell when one of them ends; let them connect, or set KINDRED_MPI_WATCH=off",
             name, card.count, name_of_rank(0), ntohs(card.port)));
  }
  if (rank_ != 0) thread_ = start_thread([this] { watch(); });
}

RollCall::~RollCall() {
  leaving_ = true;  // nothing is said behind a goodbye
  if (!failing_) tell_all(kGoodbye, "");
  // Who fails has a reason to print, before a launcher sees the others' end and kills it.
  const auto until = Clock::now() + std::chrono::milliseconds(failing_ ? 0 : kPatience);
  while (!all_over() && Clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  stopped_ = true;
  if (thread_.joinable()) thread_.join();
  if (listening_ >= 0) ::close(listening_);
}

void RollCall::listen(Card& card) {
  static_cast<void>(!::getrandom(card.secret.data(), card.secret.size(), 0));
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = INADDR_ANY;
  socklen_t size = sizeof own;
  listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  auto* const address = reinterpret_cast<sockaddr*>(&own);
  if (listening_ < 0 || ::bind(listening_, address, size) != 0 ||
      ::listen(listening_, SOMAXCONN) != 0 || ::getsockname(listening_, address, &size) != 0) {
    return;  // nobody reaches it then, which all say
  }
  card.port = own.sin_port;
  card.addresses[card.count++] = htonl(INADDR_LOOPBACK);
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    if ((one->ifa_flags & IFF_LOOPBACK) != 0 || card.count == card.addresses.size()) continue;
    card.addresses[card.count++] =
        reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr.s_addr;
  }
  ::freeifaddrs(all);
}

// What answers at another host's address may be something else: it has to know the secret's echo.
void RollCall::connect(const Card& card) {
  for (std::uint32_t i = 0; i < card.count && lines_.empty(); ++i) {
    auto line = std::make_unique<Line>();
    line->socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = card.port;
    to.sin_addr.s_addr = card.addresses[i];
    const auto* const address = reinterpret_cast<const sockaddr*>(&to);
    if (::connect(line->socket, address, sizeof to) != 0) {
      if (errno != EINPROGRESS || !is_ready(line->socket, POLLOUT, kPatience)) continue;
      int reason = 0;
      socklen_t size = sizeof reason;
      ::getsockopt(line->socket, SOL_SOCKET, SO_ERROR, &reason, &size);
      if (reason != 0) continue;
    }
    std::array<std::byte, 20> hello{};
    std::memcpy(hello.data(), secret_.data(), 16);
    std::memcpy(hello.data() + 16, &rank_, sizeof rank_);
    std::array<std::byte, 16> echo{};
    if (!send_bytes(line->socket, hello.data(), hello.size())) continue;
    if (!receive_bytes(line->socket, echo.data(), echo.size())) continue;
    if (!std::equal(echo.begin(), echo.end(), secret_.rbegin())) continue;
    lines_.push_back(std::move(line));
  }
}

void RollCall::accept_one() {
  auto line = std::make_unique<Line>();
  line->socket = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (line->socket < 0) return;
  std::array<std::byte, 20> hello{};
  if (!receive_bytes(line->socket, hello.data(), hello.size())) return;
  if (!std::equal(secret_.begin(), secret_.end(), hello.begin())) return;
  std::memcpy(&line->rank, hello.data() + 16, sizeof line->rank);
  if (line->rank < 1 || line->rank >= size_) return;
  const std::vector<std::byte> echo(secret_.rbegin(), secret_.rend());
  const int socket = line->socket;
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
  static_cast<void>(send_bytes(socket, echo.data(), echo.size()));
}

/// Everybody else has said goodbye, or is gone.
bool RollCall::all_over() {
  const std::lock_guard lock(mutex_);
  return std::ranges::all_of(lines_, [](const auto& line) { return line->over.load(); });
}

void RollCall::watch() {
  Clock::time_point looked = Clock::now();
  Clock::time_point told = looked;
  while (!stopped_) {
    if (listening_ >= 0 && static_cast<int>(lines_.size()) == size_ - 1) {
      ::close(listening_);  // all are there: strangers have nothing to say
      listening_ = -1;
    }
    std::vector<pollfd> waiting;
    for (const auto& line : lines_) {
      if (!line->over) waiting.push_back({line->socket, POLLIN, 0});
    }
    if (listening_ >= 0) waiting.push_back({listening_, POLLIN, 0});
    ::poll(waiting.data(), waiting.size(), kPace);
    if (seconds_since(looked) > kOwnSleep) {  // others had no reason to speak to who slept
      for (const auto& line : lines_) line->heard = Clock::now();
    }
    looked = Clock::now();
    for (const pollfd& socket : waiting) {
      if (socket.revents == 0) continue;
      if (socket.fd == listening_) accept_one();
      for (std::size_t i = 0; i < lines_.size(); ++i) {
        if (lines_[i]->socket == socket.fd) hear(*lines_[i]);
      }
    }
    if (!leaving_ && seconds_since(told) > kSaysItLives) {
      tell_all(kAlive, "");
      told = Clock::now();
    }
    look_for_silence();
  }
}

void RollCall::hear(Line& line) {
  std::array<char, 4096> bytes{};
  const ssize_t got = ::recv(line.socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) {
    line.over = true;
    if (leaving_ || failing_ || stopped_) return;
    conclude(kLost, fmt::format("{} is gone: it was killed, or ended by itself (out of memory, "
                                "perhaps: the kernel's log there says so); go on from the last "
                                "checkpoint with --resume",
                                name_of_rank(line.rank)));
  }
  line.heard = Clock::now();
  line.unread.append(bytes.data(), static_cast<std::size_t>(got));
  constexpr std::size_t kHead = 1 + sizeof(std::uint32_t);
  while (line.unread.size() >= kHead) {
    std::uint32_t length = 0;
    std::memcpy(&length, line.unread.data() + 1, sizeof length);
    if (length > kMostText) length = kMostText;
    if (line.unread.size() < kHead + length) return;
    const char kind = line.unread[0];
    const std::string text = line.unread.substr(kHead, length);
    line.unread.erase(0, kHead + length);
    judge(line, kind, text);
    if (kind == kGoodbye) line.over = true;
  }
}

void RollCall::judge(const Line& line, char kind, const std::string& text) {
  if (kind != kFailed && kind != kVerdict) return;
  int code = kLost;
  if (text.size() >= sizeof code) std::memcpy(&code, text.data(), sizeof code);
  if (kind == kVerdict) {
    // Rank 0 says why. Where this process ended first, its launcher might end that one before.
    std::this_thread::sleep_for(std::chrono::milliseconds(kAfterVerdict));
    ::_exit(code);
  }
  if (failing_) return;
  conclude(code, fmt::format("{}: {}", name_of_rank(line.rank), text.substr(sizeof code)));
}

void RollCall::look_for_silence() {
  if (failing_ && rank_ == 0) return;
  for (const auto& line : lines_) {
    if (leaving_ || line->over || seconds_since(line->heard) < kSilence) continue;
    conclude(kLost, fmt::format("{} has not been heard of for {:.0f} s: it is stopped, or its host "
                                "cannot be reached; go on from the last checkpoint with --resume",
                                name_of_rank(line->rank), kSilence));
  }
}

// Nothing is written any more: what is under way is as after a kill, which every output survives.
void RollCall::conclude(int code, const std::string& text) {
  write_line(text);
  if (rank_ == 0) tell_all(kVerdict, {reinterpret_cast<const char*>(&code), sizeof code});
  if (end_) end_(code);
  ::_exit(code);
}

void RollCall::tell_all(char kind, const std::string& text) {
  const std::lock_guard lock(mutex_);
  for (const auto& line : lines_) {
    if (!line->over) static_cast<void>(send_note(line->socket, kind, text));
  }
}

void RollCall::end_by(const Error& error) {
  failing_ = true;
  const int code = error.exit_code();
  const std::string head(reinterpret_cast<const char*>(&code), sizeof code);
  if (rank_ == 0) {
    tell_all(kVerdict, head);
    return;
  }
  if (error.kind() != ErrorKind::diverged) {
    tell_all(kFailed, head + std::string(error.what()).substr(0, kMostText / 2));
  }
  // The thread ends the process when the verdict comes.
  const auto end = Clock::now() + std::chrono::seconds(static_cast<int>(kSilence));
  while (error.kind() == ErrorKind::diverged || Clock::now() < end) {
    if (lines_.empty() || lines_[0]->over) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(kPace));
  }
}

std::string RollCall::name_of_rank(int rank) const {
  return fmt::format("rank {} on {}", rank, hosts_[static_cast<std::size_t>(rank)]);
}

}  // namespace kindred
