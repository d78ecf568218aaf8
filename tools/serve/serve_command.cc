#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "command.h"
#include "kindred/core/error.h"
#include "kindred/gallery/gallery.h"
#include "model_argument.h"
#include "serve/server.h"
#include "standard_streams.h"

namespace kindred::tools {
namespace {

struct ServeCommandOptions : CommonOptions {
  std::string model;
  std::string gallery;
  std::string listen = "127.0.0.1:8080";
  std::string token_file;
  std::vector<std::string> hosts;
  std::string batch_wait = "2ms";
  Index max_body = 16;  // MiB
  int connections = 256;
  int queue = 64;
  Index request_seconds = 30;
  bool log = false;
};

class ServeNotes final : public serve::ServeListener {
 public:
  explicit ServeNotes(const ServeCommandOptions& options) : options_(options) {}
  void on_ready(const std::string& address) override {
    if (!options_.json.empty()) {
      write_json(options_, Json{{"address", address}});
      std::fflush(stdout);  // who reads it goes on, as the server does
    }
    if (!options_.quiet) note(fmt::format("serving on http://{}", address));
  }
  void on_request(const std::string& line) override {
    if (options_.log) write_note(line + "\n");
  }

 private:
  const ServeCommandOptions& options_;
};

// "2ms", "0.5s"; 0 to 1 s.
double seconds_of(const std::string& text) {
  double number = -1;
  std::size_t end = 0;
  try {
    number = std::stod(text, &end);
  } catch (const std::exception&) {
    end = 0;
  }
  const std::string unit = text.substr(end);
  const double seconds = unit == "ms" ? number / 1000 : unit == "s" ? number : -1;
  if (end > 0 && seconds >= 0 && seconds <= 1) return seconds;
  fail(ErrorKind::usage, fmt::format("--batch-wait: expected 0ms to 1s, found {}", text));
}

void serve_model(const ServeCommandOptions& options) {
  require_no_gallery(options.model, "serve takes MODEL --gallery G");
  serve::ServeOptions asked;
  asked.model = options.model;
  asked.gallery = options.gallery;
  asked.access.address = serve::listen_address_of(options.listen);
  asked.access.names = options.hosts;
  for (std::string& name : asked.access.names) {
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  }
  if (!options.token_file.empty()) {
    asked.access.token = serve::read_token(options.token_file);
    if (serve::is_readable_by_all(options.token_file)) {
      note(fmt::format("{}: everybody on this machine can read it; chmod 600", options.token_file));
    }
  }
  asked.limits.body_bytes = static_cast<std::size_t>(options.max_body) << 20;
  asked.limits.bodies_bytes = std::max(asked.limits.bodies_bytes, asked.limits.body_bytes);
  asked.limits.connections = options.connections;
  asked.limits.queue = options.queue;
  asked.limits.body_seconds = static_cast<double>(options.request_seconds);
  asked.batch_wait_seconds = seconds_of(options.batch_wait);
  asked.threads = options.threads;
  asked.version = KINDRED_VERSION;
  ServeNotes notes(options);
  serve::serve(asked, notes);
}

}  // namespace

void add_serve(const Command& program) {
  auto options = std::make_shared<ServeCommandOptions>();
  const Command command =
      program.add_command("serve", "answer over HTTP: embeddings, matches, who a picture shows");
  command.add_option("model", options->model, "model.kindred of a run")
      .required()
      .type_name("MODEL")
      .reads_file();
  command
      .add_option("--gallery", options->gallery,
                  "gallery to find pictures in, and to add them to: kindred gallery new makes one")
      .type_name("G")
      .check(named());
  command
      .add_option(
          "--listen", options->listen,
          "address and port; port 0 is one that is free. Other machines' requests (0.0.0.0, "
          "[::]) need --token-file")
      .type_name("IP:PORT")
      .show_default();
  command
      .add_option("--token-file", options->token_file,
                  "whose one line requests have to know: as Bearer token, or as the password "
                  "that browsers ask for")
      .type_name("FILE")
      .reads_file();
  command
      .add_option("--host", options->hosts,
                  "a further name that requests may have for this server, as that of a proxy in "
                  "front of it (may stand several times)")
      .type_name("NAME")
      .one_word_each();
  command
      .add_option("--batch-wait", options->batch_wait,
                  "how long a picture waits, at most, for others that are being decoded")
      .type_name("TIME")
      .show_default();
  command.add_option("--max-body", options->max_body, "MiB that a request may have")
      .type_name("MIB")
      .check(range(1, 1024))
      .show_default();
  command.add_option("--connections", options->connections, "at a time; others get 503")
      .type_name("N")
      .check(range(1, 65536))
      .show_default();
  command
      .add_option("--queue", options->queue,
                  "requests that may wait for an answer to be begun; others get 429")
      .type_name("N")
      .check(range(0, 65536))
      .show_default();
  command
      .add_option("--request-seconds", options->request_seconds, "that a request's body may take")
      .type_name("S")
      .check(range(1, 3600))
      .show_default();
  command.add_flag("--log", options->log,
                   "a line of JSON for each request, to standard error; without names");
  command
      .add_option("--json", options->json,
                  "write the address as JSON to FILE once it is served; - is standard output")
      .type_name("FILE")
      .writes_file(kJsonFile);
  add_threads(command, *options);
  add_quiet(command, *options);
  command.footer(
      "The page is at /, the description for programs at /openapi.json, counts at /metrics.\n"
      "SIGTERM and SIGINT end it once what was asked is answered: exit code 0.\n"
      "Example:\n"
      "  kindred serve runs/first/model.kindred --gallery faces.db\n"
      "  curl --data-binary @photo.jpg http://127.0.0.1:8080/v1/embed");
  command.callback([options] { serve_model(*options); },
                   [options](FileUse& files) {
                     if (options->gallery.empty()) return;
                     files.writes_beside_inputs(options->gallery);
                   });
}

}  // namespace kindred::tools
