#include "serve/handlers.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <ctime>

#include "kindred/core/error.h"
#include "serve/page.h"
#include "serve/picture_request.h"

namespace kindred::serve {
namespace {

// The page is the server's own: nothing from elsewhere runs in it, and nobody shows it in a frame.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

HttpReply file_reply(std::string_view text, const std::string& type) {
  HttpReply reply;
  reply.type = type;
  reply.body = text;
  reply.fields.emplace_back("Content-Security-Policy", kPolicy);
  reply.fields.emplace_back("Permissions-Policy", "camera=(self), microphone=(), geolocation=()");
  return reply;
}

Json number_or_null(const std::optional<double>& number) {
  return number ? Json(*number) : Json(nullptr);
}

// What stands for a picture in an answer, before what was asked about it.
Json entry_of(const PictureFile& file, const ServedPicture& picture) {
  Json entry = Json::object();
  if (!file.name.empty()) entry["name"] = file.name;
  if (!picture.error.empty()) entry["error"] = picture.error;
  return entry;
}

bool all_fail(const std::vector<ServedPicture>& pictures) {
  for (const ServedPicture& picture : pictures) {
    if (picture.error.empty()) return false;
  }
  return true;
}

// 422 where no picture could be used.
HttpReply pictures_reply(Json reply, const std::vector<ServedPicture>& pictures) {
  const bool failed = all_fail(pictures);
  if (failed)
    reply["error"] = pictures.size() == 1 ? pictures.front().error : "no picture can be used";
  HttpReply made = json_reply(reply, failed ? 422 : 200);
  made.pictures = static_cast<std::int64_t>(pictures.size());
  return made;
}

std::vector<std::vector<float>> queries_of(const std::vector<ServedPicture>& pictures) {
  std::vector<std::vector<float>> queries;
  for (const ServedPicture& picture : pictures) {
    if (picture.error.empty()) queries.push_back(picture.embedding);
  }
  return queries;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0, squares_a = 0, squares_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    product += static_cast<double>(a[i]) * b[i];
    squares_a += static_cast<double>(a[i]) * a[i];
    squares_b += static_cast<double>(b[i]) * b[i];
  }
  const double length = std::sqrt(squares_a) * std::sqrt(squares_b);
  return length > 0 ? product / length : 0;
}

// What a person may be called: one line, not too long.
std::string identity_in(const PictureRequest& asked) {
  const std::string name = asked.text("identity");
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) {
      throw Refused(400, "identity: has control characters");
    }
  }
  if (name.size() > 500) throw Refused(400, "identity: takes more than 500 bytes");
  return name;
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

// A method as labels have it: there are no end of others.
std::string known_method(const std::string& method) {
  for (const char* const known : {"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"}) {
    if (method == known) return method;
  }
  return "other";
}

}  // namespace

struct Handlers::Asked {
  const HttpRequest& http;
  Target target;
  Routed routed;
};

Handlers::Handlers(const Access& access, const ModelFacts& facts, PictureService& pictures,
                   GalleryService* gallery, Metrics& metrics)
    : access_(access), facts_(facts), pictures_(pictures), gallery_(gallery), metrics_(metrics) {}

std::optional<HttpReply> Handlers::gate(const HttpHead& head) const {
  const std::optional<Target> target = parse_target(head.target);
  const Routed routed = target ? route_of(head.method, target->path) : Routed{};
  const bool is_open = routed.route != nullptr && routed.route->is_open;
  // Who may not ask does not learn what there is.
  if (std::optional<HttpReply> refused = refusal(access_, head, is_open)) return refused;
  if (!target) return error_reply(400, "the target is no path with a query");
  if (routed.route != nullptr) {
    if (head.method == "POST" && !head.has_length) {
      return error_reply(411, "expected Content-Length, or a body in chunks");
    }
    return std::nullopt;
  }
  if (routed.allowed.empty()) return error_reply(404, "there is no such path; see /openapi.json");
  HttpReply reply = error_reply(405, "the path takes " + routed.allowed);
  reply.fields.emplace_back("Allow", routed.allowed);
  return reply;
}

HttpReply Handlers::answer(HttpRequest& request) const {
  try {
    const std::optional<Target> target = parse_target(request.head.target);
    if (!target) throw Refused(400, "the target is no path with a query");
    const Asked asked{request, *target, route_of(request.head.method, target->path)};
    if (asked.routed.route == nullptr) throw Refused(404, "there is no such path");
    return answer_to(asked);
  } catch (const Refused& refused) {
    return error_reply(refused.status(), refused.what());
  } catch (const Error& error) {
    // The server's own trouble: a gallery that is locked passes by itself; a disk that is full, or
    // a gallery that was moved away, when somebody sees to it.
    const bool passes =
        error.kind() == ErrorKind::cannot_create || error.kind() == ErrorKind::system;
    HttpReply reply =
        error_reply(passes || error.kind() == ErrorKind::io ? 503 : 500, error.what());
    if (passes) reply.fields.emplace_back("Retry-After", "1");
    return reply;
  }
}

HttpReply Handlers::answer_to(const Asked& asked) const {
  switch (asked.routed.route->endpoint) {
    case Endpoint::page: return file_reply(kPage, "text/html; charset=utf-8");
    case Endpoint::style: return file_reply(kStyle, "text/css; charset=utf-8");
    case Endpoint::script: return file_reply(kScript, "text/javascript; charset=utf-8");
    case Endpoint::openapi: return file_reply(kOpenApi, "application/json");
    case Endpoint::health: return health();
    case Endpoint::metrics: return show_metrics();
    case Endpoint::model: return show_model();
    case Endpoint::embed: return embed(asked);
    case Endpoint::compare: return compare(asked);
    case Endpoint::find: return find(asked);
    case Endpoint::identify: return identify(asked);
    case Endpoint::gallery: return show_gallery(asked);
    case Endpoint::add: return add(asked);
    case Endpoint::remove: return remove(asked);
    case Endpoint::thumbnail: return thumbnail(asked);
  }
  return error_reply(404, "there is no such path");
}

HttpReply Handlers::health() const { return json_reply(Json{{"status", "ok"}}); }

HttpReply Handlers::show_model() const {
  return json_reply(Json{{"model", facts_.fingerprint},
                         {"dimension", facts_.dimension},
                         {"input", facts_.input},
                         {"preparation", facts_.preparation},
                         {"threshold", number_or_null(facts_.threshold)},
                         {"gallery", gallery_ != nullptr}});
}

HttpReply Handlers::show_metrics() const {
  Metrics::Now now;
  if (state_) now.http = state_();
  now.pending = pictures_.pending();
  now.gallery = gallery_ != nullptr ? gallery_->size() : -1;
  now.version = facts_.version;
  HttpReply reply;
  reply.type = "text/plain; version=0.0.4; charset=utf-8";
  reply.body = metrics_.text(now);
  return reply;
}

GalleryService& Handlers::gallery() const {
  if (gallery_ == nullptr) {
    throw Refused(404, "the server has no gallery; start it with kindred serve MODEL --gallery G");
  }
  return *gallery_;
}

std::vector<ServedPicture> Handlers::embeddings_of(const PictureRequest& asked) const {
  std::vector<ServedPicture> pictures = pictures_.embed(asked.files);
  Index bad = 0;
  for (const ServedPicture& picture : pictures) bad += picture.error.empty() ? 0 : 1;
  metrics_.add_pictures(static_cast<Index>(pictures.size()) - bad, bad);
  return pictures;
}

HttpReply Handlers::embed(const Asked& asked) const {
  const PictureRequest request = picture_request_of(asked.http, asked.target.query, {});
  const std::vector<ServedPicture> pictures = embeddings_of(request);
  Json entries = Json::array();
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    Json entry = entry_of(request.files[i], pictures[i]);
    if (pictures[i].error.empty()) {
      Json& numbers = entry["embedding"] = Json::array();
      for (const float value : pictures[i].embedding) numbers.push_back(json_number(value));
    }
    entries.push_back(std::move(entry));
  }
  return pictures_reply(Json{{"model", facts_.fingerprint},
                             {"dimension", facts_.dimension},
                             {"pictures", std::move(entries)}},
                        pictures);
}

HttpReply Handlers::compare(const Asked& asked) const {
  const PictureRequest request = picture_request_of(asked.http, asked.target.query, {"threshold"});
  if (request.files.size() != 2) {
    throw Refused(400, fmt::format("expected two pictures, found {}", request.files.size()));
  }
  std::optional<double> threshold = request.number("threshold", -1, 1);
  if (!threshold && gallery_ != nullptr) threshold = gallery_->compare_threshold();
  if (!threshold) threshold = facts_.threshold;
  const std::vector<ServedPicture> pictures = embeddings_of(request);
  Json entries = Json::array();
  for (std::size_t i = 0; i < 2; ++i) entries.push_back(entry_of(request.files[i], pictures[i]));
  if (!pictures[0].error.empty() || !pictures[1].error.empty()) {
    const ServedPicture& first = pictures[0].error.empty() ? pictures[1] : pictures[0];
    return json_reply(Json{{"error", first.error}, {"pictures", std::move(entries)}}, 422);
  }
  const double score = cosine(pictures[0].embedding, pictures[1].embedding);
  return pictures_reply(Json{{"score", score},
                             {"threshold", number_or_null(threshold)},
                             {"same", threshold ? Json(score >= *threshold) : Json(nullptr)}},
                        pictures);
}

HttpReply Handlers::find(const Asked& asked) const {
  GalleryService& all = gallery();
  const PictureRequest request = picture_request_of(asked.http, asked.target.query, {"top"});
  const Index top = request.whole("top", 10, 1, 1000);
  const std::vector<ServedPicture> pictures = embeddings_of(request);
  const std::vector<std::vector<float>> queries = queries_of(pictures);
  const auto found = queries.empty() ? std::vector<std::vector<Match>>() : all.find(queries, top);
  Json entries = Json::array();
  for (std::size_t i = 0, next = 0; i < pictures.size(); ++i) {
    Json entry = entry_of(request.files[i], pictures[i]);
    if (pictures[i].error.empty()) {
      Json& matches = entry["matches"] = Json::array();
      for (const Match& match : found[next++]) {
        matches.push_back(Json{{"id", match.id},
                               {"identity", match.identity},
                               {"path", match.path},
                               {"score", match.score},
                               {"thumbnail", match.has_thumbnail}});
      }
    }
    entries.push_back(std::move(entry));
  }
  return pictures_reply(Json{{"pictures", std::move(entries)}}, pictures);
}

HttpReply Handlers::identify(const Asked& asked) const {
  GalleryService& all = gallery();
  const PictureRequest request =
      picture_request_of(asked.http, asked.target.query, {"by", "threshold"});
  const std::string by = request.text("by").empty() ? "best" : request.text("by");
  if (by != "best" && by != "centroid") throw Refused(400, "by: expected best or centroid");
  const std::optional<double> threshold = request.number("threshold", -1, 1);
  const std::vector<ServedPicture> pictures = embeddings_of(request);
  const std::vector<std::vector<float>> queries = queries_of(pictures);
  const auto found = queries.empty() ? std::vector<Identified>()
                                     : all.identify(queries, by == "centroid", threshold);
  Json entries = Json::array();
  for (std::size_t i = 0, next = 0; i < pictures.size(); ++i) {
    Json entry = entry_of(request.files[i], pictures[i]);
    if (pictures[i].error.empty()) {
      const Identified& one = found[next++];
      entry["known"] = one.known;
      entry["identity"] = one.known ? Json(one.identity) : Json(nullptr);
      entry["nearest"] = one.identity;
      entry["score"] = one.score;
      if (one.picture > 0) entry["id"] = one.picture;
    }
    entries.push_back(std::move(entry));
  }
  return pictures_reply(Json{{"pictures", std::move(entries)}}, pictures);
}

HttpReply Handlers::show_gallery(const Asked& asked) const {
  check_settings(asked.target.query, {"top"});
  const Index top = PictureRequest{{}, asked.target.query}.whole("top", 100, 0, 10000);
  const GallerySummary summary = gallery().summary();
  Json identities = Json::array();
  for (const auto& [name, pictures] : summary.identities) {
    if (static_cast<Index>(identities.size()) == top) break;
    identities.push_back(Json{{"name", name}, {"pictures", pictures}});
  }
  return json_reply(
      Json{{"pictures", summary.pictures},
           {"identity_count", summary.identities.size()},
           {"identities", std::move(identities)},
           {"thresholds", Json{{"identify", number_or_null(summary.identify_threshold)},
                               {"centroid", number_or_null(summary.centroid_threshold)},
                               {"compare", number_or_null(summary.compare_threshold)}}}});
}

HttpReply Handlers::add(const Asked& asked) const {
  GalleryService& all = gallery();
  PictureRequest request = picture_request_of(asked.http, asked.target.query, {"identity"});
  for (PictureFile& file : request.files) file.is_kept = true;
  const std::string identity = identity_in(request);
  const std::vector<ServedPicture> pictures = embeddings_of(request);
  std::vector<NewPicture> added;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (pictures[i].error.empty()) added.push_back({request.files[i].name, &pictures[i]});
  }
  const std::vector<Added> places = added.empty() ? std::vector<Added>() : all.add(added, identity);
  Json entries = Json::array();
  for (std::size_t i = 0, next = 0; i < pictures.size(); ++i) {
    Json entry = entry_of(request.files[i], pictures[i]);
    if (pictures[i].error.empty()) {
      const Added& place = places[next++];
      entry["id"] = place.id;
      entry["was_there"] = place.was_there;
      if (place.was_there) entry["identity"] = place.identity;
    }
    entries.push_back(std::move(entry));
  }
  return pictures_reply(Json{{"pictures", std::move(entries)}}, pictures);
}

HttpReply Handlers::remove(const Asked& asked) const {
  check_settings(asked.target.query, {});
  if (!gallery().remove(asked.routed.id)) throw Refused(404, "the gallery has no such picture");
  return json_reply(Json{{"removed", 1}});
}

HttpReply Handlers::thumbnail(const Asked& asked) const {
  HttpReply reply;
  reply.type = "image/jpeg";
  reply.body = gallery().thumbnail(asked.routed.id);
  if (reply.body.empty()) throw Refused(404, "there is no such thumbnail");
  return reply;
}

std::string Handlers::record(const Exchange& exchange) const {
  const std::optional<Target> target = parse_target(exchange.head.target);
  const Routed routed = target ? route_of(exchange.head.method, target->path) : Routed{};
  const std::string route(routed.route != nullptr ? routed.route->path : "other");
  const std::string method = known_method(exchange.head.method);
  metrics_.add_exchange(route, method, exchange);
  return json_text(Json{{"time", now_text()},
                        {"method", method},
                        {"route", route},
                        {"status", exchange.status},
                        {"pictures", exchange.pictures},
                        {"received", exchange.received},
                        {"sent", exchange.sent},
                        {"milliseconds", std::round(exchange.seconds * 1e5) / 100}});
}

}  // namespace kindred::serve
