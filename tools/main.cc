// The command line: reads what is asked, calls the library, prints. One file a command.
#include <fmt/format.h>

#include <csignal>
#include <exception>
#include <new>

#include "command.h"
#include "kindred/core/cpu.h"
#include "kindred/core/error.h"
#include "standard_streams.h"

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

[[nodiscard]] int lost_results() {
  note("standard output: writing failed");
  return static_cast<int>(ErrorKind::io);
}

// The code of a command that did what it was to do.
int code_of_success() {
  // A terminal that was closed takes no results either.
  if (signal_received() == SIGHUP) return 128 + SIGHUP;
  if (!results_written()) return lost_results();
  const int signal = signal_received();
  return signal == 0 ? 0 : 128 + signal;
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
  return code != 0 ? code : code_of_success();
}

}  // namespace

int main(int argc, char** argv) {
  open_missing_streams();
  // A file-size limit or a closed pipe is an error of the write, with a message, not a death.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const kindred::Error& error) {
    note(error.what());
    return error.exit_code();
  } catch (const std::bad_alloc&) {
    note("out of memory; use a smaller batch, slice or data.memory");
  } catch (const std::exception& error) {
    // What prints a result throws where that fails.
    if (!results_written()) return code_of_success();
    note(fmt::format("internal error: {}", error.what()));
  }
  return static_cast<int>(ErrorKind::internal);
}
