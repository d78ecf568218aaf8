#include <fmt/format.h>

#include "command.h"
#include "count_bar.h"
#include "kindred/core/output_file.h"
#include "kindred/core/text.h"
#include "kindred/data/hdf5_kinds.h"
#include "kindred/data/pack.h"
#include "together.h"

namespace kindred::tools {
namespace {

struct PackOptions : CommonOptions {
  std::string from;
  std::string to;
  DatasetNames names;
};

PackReport run(const PackOptions& options, ProcessGroup& group) {
  constexpr Index kWindow = Index{1} << 30;
  BarObserver observer("samples", options.quiet || group.rank() != 0);
  return pack_dataset(options.from, options.to, options.names, options.threads, &observer, kWindow,
                      &group);
}

void pack(const PackOptions& options, ProcessGroup& group) {
  watch_signals();
  const PackReport report = run(options, group);
  if (group.rank() != 0) return;
  if (report.interrupted) {
    note(fmt::format("stopped; {} was not written", options.to));
    return;
  }
  const Json numbers = {{"samples", report.samples},
                        {"classes", report.classes},
                        {"bytes", report.bytes},
                        {"left out", report.left_out}};
  if (!write_json(options, numbers) || is_standard_output(options.to)) return;
  fmt::print("{}: {} samples of {} classes, {} bytes\n", printable(options.to), report.samples,
             report.classes, report.bytes);
  for (const std::string& name : report.left_out) {
    fmt::print("  left out: /{}, which is no part of a data set\n", printable(name));
  }
}

}  // namespace

void add_pack(const Command& program) {
  auto options = std::make_shared<PackOptions>();
  const Command command =
      program.add_command("pack", "write a data set anew so that it streams at full speed");
  command.add_option("data", options->from, "the data set, or FILE.h5:/group")
      .required()
      .type_name("DATA.h5")
      .reads_file();
  command.add_option("out", options->to, "the file to write")
      .required()
      .type_name("OUT.h5")
      .writes_locked_file(kDataSetFile);
  add_names(command, options->names);
  add_threads(command, *options);
  add_json(command, *options);
  add_quiet(command, *options);
  command.footer(
      "Samples are ordered by class, uncompressed and in one piece: what does not fit into memory\n"
      "is then read sample by sample. Labels, splits, paths, targets and pairs follow. The bytes "
      "do\n"
      "not depend on --threads. OUT.h5 takes the place of an empty file or of a data set that "
      "Kindred wrote,\n"
      "and of no other; it is there whole or not at all.\n"
      "mpirun -n R kindred pack: R processes, each of which reads its part.\n"
      "Example:\n"
      "  kindred pack photos.h5 packed.h5");
  command.callback([options] { together([&](ProcessGroup& group) { pack(*options, group); }); });
}

}  // namespace kindred::tools
