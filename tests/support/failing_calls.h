#pragma once
#include <fstream>
#include <map>
#include <string>

namespace kindred::test {

/// Runs of a program whose system calls fail as asked: see failing_calls.cc, the shared object that
/// does it. `library` is its path; calls on files in `folder` count.
class FailingCalls {
 public:
  FailingCalls(std::string library, std::string folder)
      : library_(std::move(library)), folder_(std::move(folder)) {}

  /// What goes in front of a shell's command, so that it fails at `plan` ("pwrite:3:EIO").
  std::string at(const std::string& plan) const {
    return "LD_PRELOAD=" + library_ + " KINDRED_FAIL_UNDER=" + folder_ + " KINDRED_FAIL=" + plan;
  }
  /// The same with nothing failing; the calls are counted into `file`.
  std::string counting(const std::string& file) const {
    return at("") + " KINDRED_FAIL_COUNT=" + file;
  }
  /// By the name of the call.
  static std::map<std::string, int> counted(const std::string& file) {
    std::map<std::string, int> counts;
    std::ifstream lines(file);
    std::string call;
    for (int count = 0; lines >> call >> count;) counts[call] = count;
    return counts;
  }

 private:
  std::string library_;
  std::string folder_;
};

}  // namespace kindred::test
