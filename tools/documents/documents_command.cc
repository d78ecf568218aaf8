// `kindred documents`, which --help does not show: what packages are made of.
#include <cstdio>

#include "command.h"
#include "documents/command_tree.h"
#include "documents/completion.h"
#include "documents/man_page.h"
#include "kindred/core/file.h"

namespace kindred::tools {
namespace {

struct DocumentsOptions {
  std::string man;
  std::string date;
  std::string shell;
};

void write_documents(const CLI::App& program, const DocumentsOptions& options) {
  if (!options.man.empty()) {
    make_folders(options.man);
    for (const CLI::App* command : all_commands(program)) {
      write_file_durably(options.man + "/" + man_page_name(*command) + ".1",
                         man_page(*command, KINDRED_VERSION, options.date));
    }
  }
  if (!options.shell.empty()) std::fputs(completion_script(program, options.shell).c_str(), stdout);
}

}  // namespace

void add_documents(const Command& program) {
  auto options = std::make_shared<DocumentsOptions>();
  const Command command = program.add_command("documents", "write manual pages and completion");
  command.hide();
  command.add_option("--man", options->man, "writes a manual page a command into this folder")
      .type_name("DIR")
      .writes_folder();
  command.add_option("--date", options->date, "that the pages carry: 2026-01-31");
  command.add_option("--completion", options->shell, "prints the completion for a shell")
      .check(one_of({"bash", "zsh", "fish"}));
  command.footer(
      "Example:\n  kindred documents --man man1 --date 2026-01-31\n"
      "  kindred documents --completion bash >/etc/bash_completion.d/kindred");
  command.callback([program, options] { write_documents(program.description(), *options); });
}

}  // namespace kindred::tools
