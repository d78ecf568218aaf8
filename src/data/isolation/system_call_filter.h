#pragma once

namespace kindred {

/// From here on this process and all it forks may only compute, read files and talk through what
/// is open already: no file is created, written to, removed or renamed, no program started, no
/// process forked or signalled, nothing sent over a network. Other system calls fail with EPERM.
/// Built before the fork by prepare(), as building allocates and takes a while. True where the
/// system allows such filters (some containers do not).
class SystemCallFilter {
 public:
  static void prepare();
  static bool install();
};

}  // namespace kindred
