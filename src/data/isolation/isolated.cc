#include "data/isolation/isolated.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>

#include "data/isolation/system_call_filter.h"
#include "kindred/core/text.h"
#include "kindred/data/isolation.h"

namespace kindred {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitizer = true;  // they map terabytes, and say what they found on descriptor 2
#else
constexpr bool kSanitizer = false;
#endif

constexpr rlim_t kMostFiles = 32;
constexpr const char* kAdvice =
    "the file is damaged or made to do harm; take it again from where it came";

// What goes through the channel: the size of a request, or of an answer and what it is.
struct Note {
  Index bytes = 0;
  int status = 0;         // 0, or the kind of the error whose message is the answer
  bool filtered = false;  // of an answer: its system calls are
};

bool send_note(int channel, const Note& note) {
  ssize_t sent = 0;
  do {
    sent = ::send(channel, &note, sizeof note, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == sizeof note;
}

bool receive_note(int channel, Note& note) {
  ssize_t got = 0;
  do {
    got = ::recv(channel, &note, sizeof note, 0);
  } while (got < 0 && errno == EINTR);
  return got == sizeof note;
}

bool is_ready_within(double seconds, int channel) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  pollfd waiting{channel, POLLIN, 0};
  int ready = 0;
  do {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    ready = ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
  } while (ready < 0 && errno == EINTR);
  return ready != 0;
}

void limit(decltype(RLIMIT_AS) what, rlim_t value) {
  const rlimit both{value, value};
  ::setrlimit(what, &both);
}

/// True where one more page fits under a limit of `bytes` of address space.
bool fits_under(rlim_t bytes) {
  rlimit both{};
  ::getrlimit(RLIMIT_AS, &both);
  const rlimit tried{std::min(bytes, both.rlim_max), both.rlim_max};
  ::setrlimit(RLIMIT_AS, &tried);
  void* const page = ::mmap(nullptr, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page != MAP_FAILED) ::munmap(page, 1);
  ::setrlimit(RLIMIT_AS, &both);
  return page != MAP_FAILED;
}

/// What this process has mapped, found by asking the kernel for the least limit that it is within:
/// /proc says the same, but is not everywhere mounted. 28 halvings, about 0.1 ms.
Index mapped_bytes() {
  constexpr rlim_t kStep = rlim_t{1} << 20;
  rlim_t low = 0;
  rlim_t high = rlim_t{1} << 48;
  while (high - low > kStep) {
    const rlim_t middle = low + (high - low) / 2;
    (fits_under(middle) ? high : low) = middle;
  }
  return static_cast<Index>(high);
}

void close_all_but(int kept) {
  const auto number = static_cast<unsigned>(kept);
  if (number > 3) ::close_range(3, number - 1, 0);
  ::close_range(number + 1, ~0U, 0);
}

// Input and output of the program are not the child's, nor are messages of the C library when it
// crashes.
void silence() {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int i = 0; i < (kSanitizer ? 2 : 3); ++i) {
    if (nothing < 0 || ::dup2(nothing, i) < 0) ::close(i);
  }
}

void set_signals() {
  for (const int number : {SIGABRT, SIGPIPE, SIGPROF, SIGXFSZ}) {
    std::signal(number, SIG_DFL);
  }
  // What ends all processes of a terminal or a service is for the parent, which may want to finish
  // something first; it takes the child along.
  for (const int number : {SIGHUP, SIGINT, SIGTERM}) std::signal(number, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void set_limits(const IsolationLimits& limits) {
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, kMostFiles);
  if (kSanitizer) return;  // their reports are written, and they map terabytes
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_AS, static_cast<rlim_t>(mapped_bytes() + limits.memory));
}

// A call may compute so long; also where the parent is gone.
void set_timer(double seconds) {
  const auto whole = static_cast<time_t>(seconds);
  const auto rest = static_cast<suseconds_t>((seconds - static_cast<double>(whole)) * 1e6);
  const itimerval timer{{0, 0}, {whole, rest}};
  ::setitimer(ITIMER_PROF, &timer, nullptr);
}

std::string too_long(double seconds) {
  return fmt::format("reading it takes more than {} s; {}", seconds, kAdvice);
}

std::atomic<IsolationListener> listener{nullptr};

// Once a process: it is the same for all files.
void tell_of_no_filter() {
  static std::atomic<bool> told{false};
  const IsolationListener listens = listener;
  if (listens == nullptr || told.exchange(true)) return;
  listens(
      "files are read in a process whose system calls are not filtered: this system lets none be "
      "(seccomp); take files from sources that you trust");
}

}  // namespace

void on_isolation_gap(IsolationListener told) { listener = told; }

IsolatedProcess::IsolatedProcess(std::string what, const IsolationLimits& limits)
    : what_(std::move(what)), limits_(limits), memory_(limits.memory, what_) {
  if (limits_.computing == 0) limits_.computing = limits_.seconds;
  SystemCallFilter::prepare();
  int channels[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channels) != 0) {
    fail(ErrorKind::system,
         fmt::format("{}: no channel to a process that reads it: {}; raise the limit on open files "
                     "(ulimit -n)",
                     what_, std::strerror(errno)));
  }
  const pid_t parent = ::getpid();
  const pid_t thread = ::gettid();
  child_ = ::fork();
  if (child_ == 0) {
    // The signal comes when the thread ends that forked; of others than the first that says
    // nothing, and the child waits for the end of its channel, or for its timer.
    if (thread == parent) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(0);
    serve(channels[1]);
  }
  const int reason = errno;
  ::close(channels[1]);
  channel_ = channels[0];
  if (child_ < 0) {
    ::close(channel_);
    fail(ErrorKind::system,
         fmt::format("{}: no process can be started to read it: {}; ask for fewer with --threads, "
                     "or raise the limits (ulimit -u, the control group's pids.max)",
                     what_, std::strerror(reason)));
  }
}

IsolatedProcess::~IsolatedProcess() {
  if (!death_) end();
  ::close(channel_);
}

int IsolatedProcess::end() {
  ::kill(child_, SIGKILL);  // means nothing to one that has died of something else
  int status = 0;
  while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

void IsolatedProcess::bury(const std::string& why, ErrorKind kind) {
  death_.emplace(kind, fmt::format("{}: {}", what_, why));
  throw *death_;
}

void IsolatedProcess::bury(int status) {
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (signal == SIGPROF) bury(too_long(limits_.computing));
  if (signal == SIGKILL || signal == SIGTERM) {
    bury(fmt::format("the process that read it was ended ({}); is there enough memory?",
                     ::strsignal(signal)),
         ErrorKind::system);
  }
  bury(fmt::format("reading it crashed ({}); {}", signal == 0 ? "it left" : ::strsignal(signal),
                   kAdvice));
}

Index IsolatedProcess::exchange_bytes(Index bytes) {
  if (death_) throw *death_;
  send_note(channel_, {bytes, 0});
  if (!is_ready_within(limits_.seconds, channel_)) {
    end();
    bury(too_long(limits_.seconds));
  }
  Note note;
  if (!receive_note(channel_, note)) bury(end());
  if (note.bytes < 0 || note.bytes > limits_.memory) {
    end();
    bury(fmt::format("reading it went astray; {}", kAdvice));
  }
  if (!note.filtered) tell_of_no_filter();
  if (note.status == 0) return note.bytes;
  const std::span<const std::byte> text = memory_.first(note.bytes);
  const bool known = note.status >= static_cast<int>(ErrorKind::usage) &&
                     note.status <= static_cast<int>(ErrorKind::recipe);
  throw Error(known ? static_cast<ErrorKind>(note.status) : ErrorKind::data,
              printable({reinterpret_cast<const char*>(text.data()), text.size()}));
}

// --- in the child ---

void IsolatedProcess::serve(int channel) {
  set_signals();
  silence();
  close_all_but(channel);
  set_limits(limits_);
  const bool filtered = SystemCallFilter::install();
  for (Note request; receive_note(channel, request);) {
    set_timer(limits_.computing);
    Note done;
    done.filtered = filtered;
    done.bytes = answer(request.bytes, done.status);
    set_timer(0);
    if (!send_note(channel, done)) break;
  }
  ::_exit(0);
}

// Without an allocation. Where not even a little is left, it is not the file that takes it.
Index IsolatedProcess::too_much_here(int& status) {
  constexpr std::size_t kLittle = std::size_t{64} << 10;
  constexpr std::size_t kMostText = 4096;
  void* const little = ::operator new(kLittle, std::nothrow);
  ::operator delete(little);
  const ErrorKind kind = little != nullptr ? ErrorKind::data : ErrorKind::system;
  status = static_cast<int>(kind);
  char* const text = reinterpret_cast<char*>(memory_.first(kMostText).data());
  const int size = std::snprintf(
      text, kMostText, "%s: reading it takes more than %lld MiB of memory; %s", what_.c_str(),
      static_cast<long long>(limits_.memory >> 20),
      kind == ErrorKind::data ? kAdvice : "the system has none left: end other programs");
  return std::clamp<Index>(size, 0, kMostText - 1);
}

Index IsolatedProcess::answer(Index bytes, int& status) {
  std::string message;
  ErrorKind kind = ErrorKind::data;
  try {
    WireReader request(memory_.first(bytes));
    const auto work = request.get<Work>();
    return work(memory_, request);
  } catch (const Error& error) {
    kind = error.kind();
    message = error.what();
  } catch (const std::bad_alloc&) {
    return too_much_here(status);
  } catch (const std::exception& error) {
    kind = ErrorKind::internal;
    message = fmt::format("{}: {}", what_, error.what());
  }
  status = static_cast<int>(kind);
  const std::span<std::byte> text = memory_.first(static_cast<Index>(message.size()));
  std::memcpy(text.data(), message.data(), text.size());
  return static_cast<Index>(message.size());
}

}  // namespace kindred
