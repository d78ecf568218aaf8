// The one source that knows MPI: compiled once for each library that is there, and loaded where a
// launcher asks for several ranks.
#include "core/ranks/mpi_plugin.h"

// The C interface alone: neither library's C++ classes.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <fcntl.h>
#include <mpi.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace {

using Message = kindred::MpiPlugin::Message;

constexpr std::size_t kMost = std::size_t{1} << 30;  // bytes a message: MPI counts in int
constexpr int kTag = 1;

MPI_Comm ranks = MPI_COMM_NULL;
std::vector<MPI_Request> requests;
char reason[MPI_MAX_ERROR_STRING + 1];

const char* reason_of(int code) {
  int length = 0;
  if (code == MPI_SUCCESS) return nullptr;
  MPI_Error_string(code, reason, &length);
  reason[length] = '\0';
  return reason;
}

const char* join_world(int* rank, int* size) {
  int provided = 0;
  if (const char* failed =
          reason_of(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided))) {
    return failed;
  }
  if (const char* failed = reason_of(MPI_Comm_dup(MPI_COMM_WORLD, &ranks))) return failed;
  MPI_Comm_set_errhandler(ranks, MPI_ERRORS_RETURN);
  MPI_Comm_rank(ranks, rank);
  MPI_Comm_size(ranks, size);
  return nullptr;
}

/// Waits without keeping others from the core: ranks may be more than there are cores.
const char* wait_for_messages() {
  constexpr int kEager = 2000;  // looks before it sleeps: about a millisecond
  for (int looked = 0;; ++looked) {
    int done = 0;
    const int count = static_cast<int>(requests.size());
    if (const char* failed =
            reason_of(MPI_Testall(count, requests.data(), &done, MPI_STATUSES_IGNORE))) {
      return failed;
    }
    if (done != 0) return nullptr;
    if (looked < kEager) {
      sched_yield();
    } else {
      const timespec while_waiting{0, 20'000};  // 20 us
      nanosleep(&while_waiting, nullptr);
    }
  }
}

template <typename Begin>
const char* begin_all(const Message* messages, int count, Begin begin) {
  for (int i = 0; i < count; ++i) {
    auto* bytes = static_cast<char*>(messages[i].bytes);
    std::size_t left = messages[i].size;
    do {
      const std::size_t now = std::min(left, kMost);
      requests.emplace_back();
      const int code = begin(bytes, static_cast<int>(now), messages[i].peer, &requests.back());
      if (const char* failed = reason_of(code)) return failed;
      bytes += now;
      left -= now;
    } while (left > 0);
  }
  return nullptr;
}

const char* exchange(const Message* sent, int sent_count, const Message* received,
                     int received_count) {
  requests.clear();
  const char* failed =
      begin_all(received, received_count, [](char* bytes, int size, int peer, MPI_Request* to) {
        return MPI_Irecv(bytes, size, MPI_BYTE, peer, kTag, ranks, to);
      });
  if (failed == nullptr) {
    failed = begin_all(sent, sent_count, [](char* bytes, int size, int peer, MPI_Request* to) {
      return MPI_Isend(bytes, size, MPI_BYTE, peer, kTag, ranks, to);
    });
  }
  return failed == nullptr ? wait_for_messages() : failed;
}

void leave() {
  MPI_Comm_free(&ranks);
  MPI_Finalize();
}

#ifdef MPICH_VERSION
/// What stands in the pipe to the launcher when it ends is lost.
void wait_until_said() {
  const timespec while_waiting{0, 1'000'000};  // 1 ms
  int left = 0;
  for (int looked = 0; looked < 500; ++looked) {
    if (::ioctl(STDERR_FILENO, FIONREAD, &left) != 0 || left == 0) return;
    nanosleep(&while_waiting, nullptr);
  }
}
#endif

// Hydra kills all ranks when one ends early, and takes any of their codes for its own: 9 at times,
// with MPICH 4.2.1 even 0 (MPICH's issue 7057). It keeps the one that it is told.
void end([[maybe_unused]] int code) {
#ifdef MPICH_VERSION
  wait_until_said();
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
  // MPICH calls exit(): nothing of this program is to be destroyed while its threads run.
  static int kept;
  kept = code;
  std::atexit([] { ::_exit(kept); });
  MPI_Abort(MPI_COMM_WORLD, code);
#endif
}

constexpr kindred::MpiPlugin kPlugin = {
    kindred::MpiPlugin::kVersion, KINDRED_MPI_LIBRARY, join_world, exchange, leave, end};

}  // namespace

extern "C" [[gnu::visibility("default")]] const kindred::MpiPlugin* kindred_mpi_plugin() {
  return &kPlugin;
}
