#pragma once
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "support/temp_folder.h"

namespace kindred::test {

/// What a finished program left.
struct Outcome {
  int code = -1;  ///< as a shell sees it: 128 + signal where one ended it
  std::string out;
  std::string err;
};

inline std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Runs `kindred ARGUMENTS` through the shell; `before` is put in front ("ulimit -f 10;"), `input`
/// is its standard input.
inline Outcome kindred(const std::string& arguments, const std::string& before = "",
                       const std::string& input = "/dev/null") {
  const TempFolder folder;
  const std::string command = before + " " + KINDRED_PROGRAM + " " + arguments + " >" +
                              (folder / "out") + " 2>" + (folder / "err") + " <" + input;
  const int status = std::system(command.c_str());
  Outcome outcome;
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.out = text_of(folder / "out");
  outcome.err = text_of(folder / "err");
  return outcome;
}

}  // namespace kindred::test
