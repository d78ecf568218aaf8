#pragma once
#include <sys/types.h>

#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "data/isolation/shared_memory.h"
#include "data/isolation/wire.h"
#include "kindred/core/error.h"

namespace kindred {

/// What a child may use.
struct IsolationLimits {
  Index memory = Index{3} << 30;  ///< bytes more than this process has; an answer may take as many
  double seconds = 60;            ///< a call, by the clock
  double computing = 0;           ///< seconds that a call computes; 0: the same
};

/// A child process of this one, in which files of unknown origin are parsed: whatever they do to
/// the parser costs this process a message. It may compute and read files, no more: see
/// SystemCallFilter. It ends with this process. Forked from a program that may have many threads:
/// what runs in it is single-threaded, without TBB and oneDNN, and takes no lock that another
/// thread may have held.
class IsolatedProcess {
 public:
  /// `what` is parsed in it; messages begin with it. Fails with system.
  explicit IsolatedProcess(std::string what, const IsolationLimits& limits = {});
  ~IsolatedProcess();
  IsolatedProcess(const IsolatedProcess&) = delete;
  IsolatedProcess& operator=(const IsolatedProcess&) = delete;

  /// What is parsed from now on.
  void rename(std::string what) { what_ = std::move(what); }
  /// False once a call has cost the child its life.
  bool is_alive() const { return !death_; }

  /// Runs function(arguments...) there and returns its result; both cross as wire.h says, pointers
  /// as they are: what this process had when it forked is at the same place there. An Error that is
  /// thrown there is thrown here. A crash or a limit is an Error with data, now and at each further
  /// call. Thread-safe: one call at a time.
  template <typename Result, typename... P, typename... A>
  Result call(Result (*function)(P...), A&&... arguments) {
    const Work work = [](SharedMemory& memory, WireReader request) {
      const auto called = request.get<Result (*)(P...)>();
      std::tuple<std::decay_t<P>...> values{request.get<std::decay_t<P>>()...};
      WireWriter answer(memory);
      if constexpr (std::is_void_v<Result>) {
        std::apply(called, values);
      } else {
        answer.put(std::apply(called, values));
      }
      return answer.size();
    };
    const std::lock_guard guard(lock_);
    const Index bytes = exchange(work, function, std::decay_t<P>(std::forward<A>(arguments))...);
    if constexpr (!std::is_void_v<Result>) return WireReader(memory_.first(bytes)).get<Result>();
  }

  /// The same of a function that fills dst: no copy but the one out of the shared memory.
  template <typename... P, typename... A>
  void fill(std::span<std::byte> dst, void (*function)(std::span<std::byte>, P...),
            A&&... arguments) {
    const Work work = [](SharedMemory& memory, WireReader request) {
      const auto called = request.get<void (*)(std::span<std::byte>, P...)>();
      const auto bytes = request.get<Index>();
      std::tuple<std::decay_t<P>...> values{request.get<std::decay_t<P>>()...};
      std::apply([&](auto&... value) { called(memory.first(bytes), value...); }, values);
      return bytes;
    };
    if (dst.empty()) return;
    const auto size = static_cast<Index>(dst.size());
    const std::lock_guard guard(lock_);
    exchange(work, function, size, std::decay_t<P>(std::forward<A>(arguments))...);
    std::memcpy(dst.data(), memory_.first(size).data(), dst.size());
  }

 private:
  /// Reads a request from the memory, and leaves the answer there; its size is returned.
  using Work = Index (*)(SharedMemory& memory, WireReader request);

  template <typename... Values>
  Index exchange(const Values&... values) {
    WireWriter request(memory_);
    (request.put(values), ...);
    return exchange_bytes(request.size());
  }
  /// Sends a request of so many bytes; the size of the answer is returned.
  Index exchange_bytes(Index bytes);
  [[noreturn]] void serve(int channel);
  Index answer(Index bytes, int& status);
  [[noreturn]] void bury(const std::string& why, ErrorKind kind = ErrorKind::data);
  [[noreturn]] void bury(int status);
  Index too_much_here(int& status);
  int end();  ///< how it ended, as waitpid() says

  std::string what_;
  IsolationLimits limits_;
  std::mutex lock_;
  SharedMemory memory_;
  pid_t child_ = -1;
  int channel_ = -1;
  std::optional<Error> death_;  ///< what became of the child
};

/// Runs `function` in a child and returns its result, which crosses as wire.h says. It may use all
/// that is in scope; what it changes there is lost.
template <typename Function>
auto run_isolated(const std::string& what, const IsolationLimits& limits,
                  const Function& function) {
  const Function* const address = &function;
  using Result = std::invoke_result_t<const Function&>;
  Result (*const call)(const Function*) = [](const Function* f) -> Result { return (*f)(); };
  return IsolatedProcess(what, limits).call(call, address);
}

}  // namespace kindred
