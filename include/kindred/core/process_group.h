#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/error.h"
#include "kindred/core/export.h"
#include "kindred/core/index.h"
#include "kindred/core/matrix.h"

namespace KINDRED_API kindred {

/// Bytes for another process of a group.
struct Outgoing {
  int to = 0;
  std::span<const std::byte> bytes;
};

/// Where bytes of another process go. As many as it sends.
struct Incoming {
  int from = 0;
  std::span<std::byte> bytes;
};

/// What this process has sent so far, and how long it has been at it, waiting included.
struct Traffic {
  Index messages = 0;
  Index bytes = 0;
  double seconds = 0;

  /// What came between two looks at a group's.
  void add(const Traffic& before, const Traffic& after) {
    messages += after.messages - before.messages;
    bytes += after.bytes - before.bytes;
    seconds += after.seconds - before.seconds;
  }
};

/// Where the contiguous run of `part` begins when `count` things are shared out to `parts`; that of
/// `parts` is the end. Runs differ by one at most, and may be empty.
constexpr Index begin_of_part(Index count, Index part, Index parts) { return count * part / parts; }

/// Processes that compute one thing together: ranks 0 to size() - 1. What one of them calls here,
/// all call, in the same order.
///
/// Thread-safety: one thread, the one that calls join(). Failures of others end this process.
class ProcessGroup {
 public:
  virtual ~ProcessGroup();
  /// Known before join().
  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Begins: before, nothing is exchanged. Child processes are started before. Called again it does
  /// nothing.
  virtual void join() {}
  /// Ends, in order: waits for all.
  virtual void leave() {}
  /// To be called by a rank that ends by an error, before it does: all others end then, with its
  /// code, and rank 0 says why. Does not return where rank 0 has said it.
  virtual void end_by(const Error&) {}

  /// Sends and receives at once, and waits for all of it. Between two ranks messages arrive in the
  /// order they are named. REQUIRES: what is sent and what is received do not overlap; none is for
  /// the caller itself.
  void exchange(std::span<const Outgoing> sent, std::span<const Incoming> received);

  /// Every rank's part of `all` at every rank: rank r's are the bytes [begins[r], begins[r + 1]),
  /// its own stand there already.
  void gather(std::span<std::byte> all, std::span<const Index> begins);
  /// The same of rows, `together` of which are never parted: rank r's are the runs from
  /// begin_of_part(all.rows() / together, r, size()) on. REQUIRES: rows are a multiple of it.
  void gather_rows(MatrixView all, Index together = 1);
  /// Of rank 0's to all.
  void broadcast(std::span<std::byte> bytes);
  /// True at all where it is true at one.
  bool any(bool mine);
  /// Everybody's, in the order of ranks.
  std::vector<std::string> gather_texts(const std::string& mine);
  /// Fails with data, at all ranks, where one of them has another text than rank 0: "rank 2 has
  /// MINE, rank 0 ITS; ADVICE".
  void expect_alike(const std::string& mine, const std::string& advice);

  const Traffic& traffic() const { return traffic_; }

 protected:
  virtual void transfer(std::span<const Outgoing> sent, std::span<const Incoming> received) = 0;

 private:
  Traffic traffic_;
  std::vector<Outgoing> sent_;
  std::vector<Incoming> received_;
  std::vector<Index> begins_;
  std::vector<std::byte> flags_;
};

/// A process by itself.
class SoloGroup : public ProcessGroup {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }

 private:
  void transfer(std::span<const Outgoing>, std::span<const Incoming>) override {}
};

/// The group that a launcher (mpirun, srun) has started this process in, by its environment; a
/// SoloGroup where none has, and where KINDRED_MPI=off. Fails with system where there are several
/// ranks, but not what they need.
std::unique_ptr<ProcessGroup> open_process_group();

/// Which rank of how many this process was started as.
struct LaunchedRank {
  int rank = 0;
  int size = 1;
  int here = 1;  ///< ranks on this host; all of them where the launcher does not say
};

/// The same by the environment alone, without what the ranks need.
LaunchedRank launched_rank();

}  // namespace kindred
