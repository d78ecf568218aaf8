#pragma once
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

namespace kindred::test {

/// Runs a shell's command in a terminal of so many columns, and tells `hear` all that it writes;
/// where that returns true, the program is interrupted as by Ctrl-C. Returns its code as a shell
/// sees it.
inline int run_in_terminal(const std::string& command, int columns,
                           const std::function<bool(const std::string&)>& hear) {
  winsize size{};
  size.ws_row = 24;
  size.ws_col = static_cast<unsigned short>(columns);
  int terminal = -1;
  const pid_t child = forkpty(&terminal, nullptr, nullptr, &size);
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", ("exec " + command).c_str(), nullptr);
    _exit(127);
  }
  char bytes[4096];
  bool interrupted = false;
  for (ssize_t count; (count = read(terminal, bytes, sizeof(bytes))) > 0;) {
    if (hear({bytes, static_cast<std::size_t>(count)}) && !interrupted) {
      interrupted = true;
      kill(child, SIGINT);
    }
  }
  close(terminal);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace kindred::test
