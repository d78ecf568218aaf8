#include "core/cgroup.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/temp_folder.h"

namespace kindred {
namespace {

constexpr Index kGiB = Index{1} << 30;
const std::string kMounts = "22 1 0:5 / /dev rw - devtmpfs none rw\n";
const std::string kUnified = "30 1 0:9 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw\n";

/// What a process sees of its control groups, as files in a folder.
class Tree {
 public:
  Tree& file(const std::string& path, const std::string& text) {
    const std::filesystem::path whole = folder_.path().string() + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
    return *this;
  }
  Tree& in(const std::string& groups, const std::string& mounts) {
    return file("/proc/self/cgroup", groups).file("/proc/self/mountinfo", kMounts + mounts);
  }
  CgroupLimits limits() const { return cgroup_limits(folder_.path().string()); }

 private:
  test::TempFolder folder_;
};

void expect(const Tree& tree, double cpus, Index memory, int threads) {
  const CgroupLimits limits = tree.limits();
  EXPECT_DOUBLE_EQ(limits.cpus, cpus);
  EXPECT_EQ(limits.memory, memory);
  EXPECT_EQ(limits.whole_cpus(64), threads);
}

TEST(Cgroup, OfVersion2IsReadWhereTheProcessIs) {
  Tree tree;
  tree.in("0::/user/job\n", kUnified)
      .file("/sys/fs/cgroup/user/job/cpu.max", "50000 100000\n")
      .file("/sys/fs/cgroup/user/job/memory.max", "1073741824\n")
      .file("/sys/fs/cgroup/user/cpu.max", "max 100000\n")
      .file("/sys/fs/cgroup/user/memory.max", "max\n")
      .file("/sys/fs/cgroup/other/cpu.max", "1000 100000\n");
  expect(tree, 0.5, kGiB, 1);
}

TEST(Cgroup, TheLeastOfThoseAboveHolds) {
  Tree tree;
  tree.in("0::/a/b/c\n", kUnified)
      .file("/sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n")
      .file("/sys/fs/cgroup/a/b/cpu.max", "300000 100000\n")
      .file("/sys/fs/cgroup/a/cpu.max", "400000 100000\n")
      .file("/sys/fs/cgroup/a/memory.max", "4294967296\n")
      .file("/sys/fs/cgroup/a/b/memory.high", "2147483648\n");
  expect(tree, 3, 2 * kGiB, 3);
}

// 1.5 CPUs gave 2 threads.
TEST(Cgroup, PartsOfACpuAreNoThread) {
  Tree tree;
  tree.in("0::/\n", kUnified).file("/sys/fs/cgroup/cpu.max", "150000 100000\n");
  expect(tree, 1.5, 0, 1);
}

TEST(Cgroup, OfVersion1IsFoundByController) {
  Tree tree;
  tree.in("4:memory:/job/part\n3:cpu,cpuacct:/job\n1:name=systemd:/job\n0::/\n",
          "31 1 0:1 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
          "32 1 0:2 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
          "33 1 0:3 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
          "34 1 0:4 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n")
      .file("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "150000\n")
      .file("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n")
      .file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
      .file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
      .file("/sys/fs/cgroup/memory/job/part/memory.limit_in_bytes", "9223372036854771712\n")
      .file("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "3221225472\n")
      .file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  expect(tree, 1.5, 3 * kGiB, 1);
}

// A container that sees its host's names: its group is where the mount begins.
TEST(Cgroup, AMountMayShowAPartOfTheTree) {
  Tree tree;
  tree.in("0::/docker/abc/inner\n", "30 1 0:9 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n")
      .file("/sys/fs/cgroup/cpu.max", "600000 100000\n")
      .file("/sys/fs/cgroup/inner/cpu.max", "300000 100000\n");
  expect(tree, 3, 0, 3);
  // Moved out of what it sees: the mount's own limits are what is left.
  tree.in("0::/../elsewhere\n", "30 1 0:9 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
  expect(tree, 6, 0, 6);
}

TEST(Cgroup, WithoutProcTheUsualPlaceIsRead) {
  Tree tree;
  tree.file("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  expect(tree, 2, 0, 2);
  Tree first;
  first.file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n");
  expect(first, 0, kGiB, 64);
}

// A quota of "x" ended the program with exit code 70.
TEST(Cgroup, WhatIsMalformedIsNoLimit) {
  for (const char* text : {"", "\n", "x 100000\n", "100000\n", "1e999 1\n", "-5 100000\n",
                           "100000 0\n", "100000 100000 7\n", "nan 100000\n", "0x10 4\n"}) {
    Tree tree;
    tree.in("0::/\nnonsense\n::\n:\n", kUnified + "30 1 0:9 / \n - \n")
        .file("/sys/fs/cgroup/cpu.max", text)
        .file("/sys/fs/cgroup/memory.max", text);
    const CgroupLimits limits = tree.limits();
    EXPECT_EQ(limits.cpus, 0) << text;
    EXPECT_EQ(limits.whole_cpus(8), 8) << text;
  }
  expect(Tree(), 0, 0, 64);
}

}  // namespace
}  // namespace kindred
