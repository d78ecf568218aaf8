// The command line: reads what is asked, calls the library, prints. One file a command.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "command.h"
#include "kindred/core/cpu.h"
#include "kindred/core/error.h"
#include "kindred/core/memory.h"
#include "kindred/core/output_file.h"
#include "kindred/core/process_group.h"
#include "kindred/core/text.h"
#include "kindred/data/isolation.h"
#include "standard_streams.h"

namespace {

using kindred::ErrorKind;
using kindred::isa;
using kindred::name_of;
using namespace kindred::tools;

bool is_quiet = false;  // before commands read their options

void add_commands(const Command& program) {
  add_bench(program);
  add_compare(program);
  add_convert(program);
  add_documents(program);
  add_embed(program);
  add_eval(program);
  add_export(program);
  add_find(program);
  add_gallery(program);
  add_identify(program);
  add_import(program);
  add_init(program);
  add_inspect(program);
  add_list(program);
  add_loss(program);
  add_pack(program);
  add_report(program);
  add_search(program);
  add_serve(program);
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
  if (signal != 0) return 128 + signal;
  return answered_no() ? 1 : 0;
}

// What would be done as often as there are ranks, each in the others' way.
void check_ranks(int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  const std::string command = argv[1];
  const std::string of = argc > 2 ? command + " " + argv[2] : command;
  for (const std::string_view shared :
       {"train", "import", "pack", "embed", "search", "eval retrieval", "bench train"}) {
    if (command == shared || of == shared) return;
  }
  const int ranks = kindred::launched_rank().size;
  if (ranks == 1) return;
  kindred::fail(ErrorKind::usage,
                fmt::format("{}: {} ranks were started, but only train, import, pack, embed, eval "
                            "retrieval, search and bench train share their work among ranks; start "
                            "one process, or set "
                            "KINDRED_MPI=off where each is to work by itself",
                            argv[1], ranks));
}

int run(int argc, char** argv) {
  check_ranks(argc, argv);
  const int code = run_command_line(
      argc, argv, "kindred",
      fmt::format("{}\ninstruction set: {}", KINDRED_VERSION, name_of(isa())),
      "Kindred trains embeddings on CPUs: images or vectors in, a small network out "
      "whose embeddings put kin next to kin.",
      "Example:\n  kindred train omniglot --out runs/first\n"
      "An output takes the place of a file that is empty or of its own kind, and of no other.\n"
      "Exit codes: 0 done, 1 the answer is no (compare), 64 usage, 65 bad data,\n"
      "66 no input, 69 training diverged, 70 internal,\n"
      "71 the system refuses threads, processes or memory, 73 cannot create, 74 I/O, 78 bad "
      "recipe,\n"
      "128 + signal.",
      add_commands);
  return code != 0 ? code : code_of_success();
}

int report_failure(const std::string& message, ErrorKind kind) {
  note(message);
  return static_cast<int>(kind);
}

int out_of_memory() try {
  return report_failure(
      fmt::format("out of memory: {} are filled and {} of addresses taken, and the process may "
                  "have {} (of the machine, its control group, ulimit -v); use a smaller network, "
                  "batch, slice or data.memory, or fewer --threads",
                  kindred::text_of_bytes(kindred::resident_memory()),
                  kindred::text_of_bytes(kindred::mapped_memory()),
                  kindred::text_of_bytes(kindred::machine_memory())),
      ErrorKind::system);
} catch (const std::bad_alloc&) {  // what is left is no more than a line that stands already
  write_note("kindred: out of memory\n");
  return static_cast<int>(ErrorKind::system);
}

// What is let go when memory runs out: what ends the work takes a little, and there are destructors
// that allocate and must not fail (of JSON).
constexpr std::size_t kReserve = std::size_t{1} << 20;
std::atomic<void*> reserve{nullptr};

void let_reserve_go() {
  std::set_new_handler(nullptr);
  std::free(reserve.exchange(nullptr));
}

// Of what the library did not expect.
ErrorKind kind_of(const std::error_code& code) {
  const std::errc condition{code.default_error_condition().value()};
  if (condition == std::errc::resource_unavailable_try_again ||
      condition == std::errc::not_enough_memory || condition == std::errc::too_many_files_open) {
    return ErrorKind::system;
  }
  return ErrorKind::no_input;  // no rights, a name that is too long, links in a circle, ...
}

}  // namespace

int main(int argc, char** argv) {
  reserve = std::malloc(kReserve);
  std::set_new_handler(let_reserve_go);
  open_missing_streams();
  // A file-size limit or a closed pipe is an error of the write, with a message, not a death.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  kindred::on_isolation_gap([](const std::string& what) {
    if (!is_quiet) note(what);
  });
  is_quiet = std::find(argv, argv + argc, std::string_view("--quiet")) != argv + argc;
  try {
    return run(argc, argv);
  } catch (const kindred::Interrupted& error) {
    const int code = report_failure(error.what(), error.kind());
    return signal_received() == 0 ? code : 128 + signal_received();
  } catch (const kindred::Error& error) {
    return report_failure(error.what(), error.kind());
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  } catch (const std::length_error&) {  // more elements than there are addresses
    return out_of_memory();
  } catch (const std::exception& error) {
    // What prints a result throws where that fails.
    if (!results_written()) return code_of_success();
    if (const auto* refused = dynamic_cast<const std::system_error*>(&error)) {
      return report_failure(error.what(), kind_of(refused->code()));
    }
    return report_failure(fmt::format("internal error: {}", error.what()), ErrorKind::internal);
  }
}
