// The command line: reads what is asked, calls the library, prints. One file a command.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

#include "command.h"
#include "kindred/core/cpu.h"
#include "kindred/core/error.h"

namespace {

using kindred::ErrorKind;
using kindred::isa;
using kindred::name_of;
using namespace kindred::tools;

void add_commands(const Command& program) {
  add_bench(program);
  add_documents(program);
  add_embed(program);
  add_eval(program);
  add_import(program);
  add_inspect(program);
  add_list(program);
  add_loss(program);
  add_pack(program);
  add_report(program);
  add_search(program);
  add_train(program);
}

int run(int argc, char** argv) {
  const int code = run_command_line(
      argc, argv, "kindred",
      fmt::format("{}\ninstruction set: {}", KINDRED_VERSION, name_of(isa())),
      "Kindred trains embeddings on CPUs: images or vectors in, a small network out "
      "whose embeddings put kin next to kin.",
      "Example:\n  kindred train omniglot --out runs/first\n"
      "Exit codes: 0 done, 64 usage, 65 bad data, 66 no input, 70 internal, 73 cannot "
      "create,\n74 I/O, 78 bad recipe, 128 + signal.",
      add_commands);
  if (code != 0) return code;
  if (std::fflush(stdout) != 0) {
    fmt::print(stderr, "kindred: standard output: writing failed\n");
    return static_cast<int>(ErrorKind::io);
  }
  const int signal = signal_received();
  return signal == 0 ? 0 : 128 + signal;
}

}  // namespace

int main(int argc, char** argv) {
  // A file-size limit or a closed pipe is an error of the write, with a message, not a death.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const kindred::Error& error) {
    fmt::print(stderr, "kindred: {}\n", error.what());
    return error.exit_code();
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "kindred: out of memory; use a smaller batch, slice or data.memory\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "kindred: internal error: {}\n", error.what());
  }
  return static_cast<int>(ErrorKind::internal);
}
