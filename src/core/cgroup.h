#pragma once
#include <algorithm>
#include <string>

#include "kindred/core/index.h"

namespace kindred {

/// What the control groups of this process leave it: the least of its own group and of those above,
/// of version 1 and 2.
struct CgroupLimits {
  double cpus = 0;   ///< CPUs' worth of time; 0: no limit
  Index memory = 0;  ///< bytes; 0: no limit

  /// At least one, at most `most`: with 1.5 CPUs a second thread would wait half of its time, with
  /// the others waiting for it.
  int whole_cpus(int most) const {
    return cpus > 0 && cpus < most ? std::max(1, static_cast<int>(cpus)) : most;
  }
};

/// `root` is put before all paths that are read: /proc/self/cgroup, /proc/self/mountinfo, and the
/// groups' files where those say. What is not there or cannot be understood is no limit.
CgroupLimits cgroup_limits(const std::string& root = "");

}  // namespace kindred
