#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "serve/access.h"
#include "serve/gallery_service.h"
#include "serve/http_front.h"
#include "serve/metrics.h"
#include "serve/picture_service.h"
#include "serve/routes.h"
#include "serve/target.h"

namespace kindred::serve {

struct PictureRequest;

/// What the server says of its model.
struct ModelFacts {
  std::string fingerprint;
  std::string input;        ///< "96 x 96 x 3"
  std::string preparation;  ///< for people
  Index dimension = 0;
  std::optional<double> threshold;  ///< for compare, the model's own
  std::string version;              ///< of the program
};

/// Requests to answers: which may be asked (on the front's thread), and what is said (on any).
class Handlers {
 public:
  /// `gallery` may be nullptr. REQUIRES: all outlive it.
  Handlers(const Access& access, const ModelFacts& facts, PictureService& pictures,
           GalleryService* gallery, Metrics& metrics);

  /// Says how the front stands: for /metrics.
  void set_state(std::function<HttpState()> state) { state_ = std::move(state); }

  std::optional<HttpReply> gate(const HttpHead& head) const;
  HttpReply answer(HttpRequest& request) const;
  /// One line of JSON for the log, and the counts of it. No names of anybody, no numbers of
  /// pictures, no addresses.
  std::string record(const Exchange& exchange) const;

 private:
  struct Asked;
  HttpReply answer_to(const Asked& asked) const;
  HttpReply embed(const Asked& asked) const;
  HttpReply compare(const Asked& asked) const;
  HttpReply find(const Asked& asked) const;
  HttpReply identify(const Asked& asked) const;
  HttpReply show_gallery(const Asked& asked) const;
  HttpReply add(const Asked& asked) const;
  HttpReply remove(const Asked& asked) const;
  HttpReply thumbnail(const Asked& asked) const;
  HttpReply health() const;
  HttpReply show_model() const;
  HttpReply show_metrics() const;

  std::vector<ServedPicture> embeddings_of(const PictureRequest& asked) const;
  GalleryService& gallery() const;

  const Access& access_;
  const ModelFacts& facts_;
  PictureService& pictures_;
  GalleryService* const gallery_;
  Metrics& metrics_;
  std::function<HttpState()> state_;
};

}  // namespace kindred::serve
