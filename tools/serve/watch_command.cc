#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <thread>

#include "command.h"
#include "kindred/train/run_watch.h"
#include "serve/access.h"
#include "serve/http_front.h"
#include "serve/target.h"

namespace kindred::tools {
namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 500ms;  // how often it is asked whether the run goes on
constexpr std::chrono::milliseconds kLastNews = 3s;  // for pages to hear that it has ended

serve::HttpReply reply_of(std::string type, std::string body) {
  serve::HttpReply reply;
  reply.type = std::move(type);
  reply.body = std::move(body);
  reply.fields = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
  return reply;
}

serve::HttpReply answer_to(RunWatch& watch, const serve::HttpHead& head) {
  const std::optional<serve::Target> target = serve::parse_target(head.target);
  if (head.method != "GET") return serve::error_reply(405, "only GET is answered");
  if (target && target->path == "/") {
    return reply_of("text/html; charset=utf-8", watch.page());
  }
  if (target && target->path == "/live") {
    Index have = 0;
    if (const auto found = target->query.find("have"); found != target->query.end()) {
      std::from_chars(found->second.data(), found->second.data() + found->second.size(), have);
    }
    return reply_of("application/json", watch.live(have));
  }
  return serve::error_reply(404, "the page is at /");
}

void tell_change(const std::string& run, RunState& before, RunState now,
                 const CommonOptions& options) {
  if (now != before && !options.quiet) {
    note(
        now == RunState::stopped
            ? fmt::format("{0}: its process was killed; the page waits for `kindred train --resume "
                          "--out {0}`; Ctrl-C ends it",
                          run)
            : fmt::format("{}: the run goes on", run));
  }
  before = now;
}

}  // namespace

void watch_run(const std::string& run, int port, const CommonOptions& options) {
  RunWatch watch(run);
  if (watch.state() == RunState::ended) {
    note(fmt::format("{}: the run has ended; kindred report {} writes its page", run, run));
    if (!options.json.empty()) write_json(options, Json{{"address", nullptr}});
    return;
  }
  serve::Access access;
  access.address = serve::listen_address_of(fmt::format("127.0.0.1:{}", port));
  serve::HttpLimits limits;
  limits.body_bytes = 1;
  limits.connections = 32;
  limits.threads = 2;
  limits.drain_seconds = 2;
  serve::HttpFront front(
      access.address.ip, access.address.port, limits,
      {[&](const serve::HttpHead& head) { return serve::refusal(access, head, true); },
       [&](serve::HttpRequest& request) { return answer_to(watch, request.head); },
       [](const serve::Exchange&) {}});
  access.address.port = front.port();
  if (!options.json.empty()) {
    write_json(options, Json{{"address", access.address.text()}});
    std::fflush(stdout);
  }
  if (!options.quiet) {
    note(fmt::format("{}: watched at http://{}", run, access.address.text()));
  }
  {
    const std::jthread waiting([&](const std::stop_token& done) {
      RunState before = RunState::running;
      while (!done.stop_requested() && watch.state() != RunState::ended) {
        tell_change(run, before, watch.state(), options);
        std::this_thread::sleep_for(kLook);
      }
      for (auto left = kLastNews; !done.stop_requested() && left > 0ms; left -= kLook) {
        std::this_thread::sleep_for(kLook);
      }
      front.stop();
    });
    front.run();
  }
  const bool ended = watch.state() == RunState::ended;
  if (!options.quiet) note(run + (ended ? ": the run has ended" : ": no longer watched"));
}

}  // namespace kindred::tools
