#include "serve/metrics.h"

#include <fmt/format.h>

#include <filesystem>
#include <iterator>

#include "kindred/core/memory.h"

namespace kindred::serve {
namespace {

void put(std::string& text, const char* name, const char* kind, const char* what) {
  text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, what, name, kind);
}

template <typename Number>
void put_one(std::string& text, const char* name, const char* kind, const char* what,
             Number number) {
  put(text, name, kind, what);
  text += fmt::format("{} {}\n", name, number);
}

Index open_descriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator all("/proc/self/fd", error);
  return error ? 0 : std::distance(begin(all), end(all));
}

}  // namespace

void Metrics::add_exchange(const std::string& route, const std::string& method,
                           const Exchange& exchange) {
  const std::lock_guard lock(mutex_);
  ++requests_[{route, method, exchange.status}];
  Times& times = seconds_[route];
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    if (exchange.seconds <= kBounds[i]) ++times.within[i];
  }
  ++times.count;
  times.sum += exchange.seconds;
  received_ += exchange.received;
  sent_ += exchange.sent;
}

void Metrics::add_batch(Index pictures) {
  const std::lock_guard lock(mutex_);
  ++batches_;
  batched_ += static_cast<std::uint64_t>(pictures);
}

void Metrics::add_pictures(Index good, Index bad) {
  const std::lock_guard lock(mutex_);
  good_ += static_cast<std::uint64_t>(good);
  bad_ += static_cast<std::uint64_t>(bad);
}

std::string Metrics::text(const Now& now) const {
  const std::lock_guard lock(mutex_);
  std::string text;
  put(text, "kindred_info", "gauge", "The program.");
  text += fmt::format("kindred_info{{version=\"{}\"}} 1\n", now.version);
  put(text, "kindred_requests_total", "counter", "Requests by route, method and status.");
  for (const auto& [key, count] : requests_) {
    const auto& [route, method, status] = key;
    text += fmt::format("kindred_requests_total{{route=\"{}\",method=\"{}\",status=\"{}\"}} {}\n",
                        route, method, status, count);
  }
  put(text, "kindred_request_seconds", "histogram", "From a request's head to its answer.");
  for (const auto& [route, times] : seconds_) {
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      text += fmt::format("kindred_request_seconds_bucket{{route=\"{}\",le=\"{}\"}} {}\n", route,
                          kBounds[i], times.within[i]);
    }
    text += fmt::format(
        "kindred_request_seconds_bucket{{route=\"{}\",le=\"+Inf\"}} {}\n"
        "kindred_request_seconds_sum{{route=\"{}\"}} {}\n"
        "kindred_request_seconds_count{{route=\"{}\"}} {}\n",
        route, times.count, route, times.sum, route, times.count);
  }
  put_one(text, "kindred_received_bytes_total", "counter", "Bytes of requests' bodies.", received_);
  put_one(text, "kindred_sent_bytes_total", "counter", "Bytes of answers' bodies.", sent_);
  put_one(text, "kindred_pictures_total", "counter", "Pictures that were embedded.", good_);
  put_one(text, "kindred_picture_errors_total", "counter", "Pictures that were not.", bad_);
  put_one(text, "kindred_batches_total", "counter", "Runs of the network.", batches_);
  put_one(text, "kindred_batched_pictures_total", "counter", "Pictures in them.", batched_);
  put_one(text, "kindred_pending_pictures", "gauge", "Pictures that wait or are under way.",
          now.pending);
  put_one(text, "kindred_connections", "gauge", "Open connections.", now.http.connections);
  put_one(text, "kindred_waiting_requests", "gauge", "Requests that wait for a thread.",
          now.http.waiting);
  put_one(text, "kindred_reserved_bytes", "gauge", "Reserved for bodies under way.",
          now.http.bodies_bytes);
  if (now.gallery >= 0) {
    put_one(text, "kindred_gallery_pictures", "gauge", "Pictures in the gallery.", now.gallery);
  }
  put_one(text, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_memory());
  put_one(text, "process_open_fds", "gauge", "Open descriptors.", open_descriptors());
  return text;
}

}  // namespace kindred::serve
