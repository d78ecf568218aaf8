#include "serve/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "kindred/core/error.h"
#include "kindred/data/picture_decoder.h"
#include "kindred/train/embedder.h"
#include "kindred/train/picture_embedding.h"
#include "serve/batcher.h"
#include "serve/handlers.h"
#include "serve/served_gallery.h"

namespace kindred::serve {
namespace {

constexpr Index kThumbnail = 160;       // pixels along the longer side, as galleries keep them
constexpr double kPictureSeconds = 10;  // that decoding one may take

void check_access(const Access& access) {
  if (access.address.is_loopback || !access.token.empty()) return;
  fail(ErrorKind::usage,
       fmt::format("serve: --listen {} can be reached from other machines, which needs "
                   "--token-file FILE; make one: head -c 24 /dev/urandom | base64 > FILE",
                   access.address.text()));
}

std::string shape_text(const Shape& shape) {
  return fmt::format("{} x {} x {}", shape.height, shape.width, shape.channels);
}

ModelFacts facts_of(const Model& model, const Embedder& embedder, const std::string& version) {
  ModelFacts facts;
  facts.fingerprint = model.fingerprint;
  facts.input = shape_text(model.architecture.src);
  facts.preparation = model.preparation ? description_of(*model.preparation) : assumption_of(model);
  facts.dimension = embedder.embedding();
  facts.threshold = model.threshold;
  facts.version = version;
  return facts;
}

/// The model at work: decoders in processes of their own, and the network on all threads.
class Engine {
 public:
  Engine(const Model& model, bool keeps, const Workers& workers, double wait_seconds,
         Metrics& metrics)
      : decoder_(wishes(model, false), workers.threads()),
        keeper_(keeps ? std::make_unique<PictureDecoder>(wishes(model, true), 1) : nullptr),
        embedder_(model, workers),
        batcher_(
            settings(model, workers.threads(), wait_seconds),
            [this](const PictureFile& file, ServedPicture& served) { return decode(file, served); },
            [this](std::span<const std::byte> samples) { return embedder_.embed_samples(samples); },
            [&metrics](Index pictures) { metrics.add_batch(pictures); }) {}

  const Embedder& embedder() const { return embedder_; }
  PictureService& pictures() { return batcher_; }

 private:
  static PictureWishes wishes(const Model& model, bool keeps) {
    PictureWishes wishes = wishes_of(model);
    wishes.thumbnail = keeps ? kThumbnail : 0;
    wishes.digest = keeps;
    wishes.seconds = kPictureSeconds;
    return wishes;
  }

  static BatchSettings settings(const Model& model, int threads, double wait_seconds) {
    BatchSettings settings;
    settings.sample_bytes = model.architecture.src.size();
    settings.slice = model.slice;
    settings.slices = threads;
    settings.wait_seconds = wait_seconds;
    settings.decoders = threads;
    return settings;
  }

  std::vector<std::uint8_t> decode(const PictureFile& file, ServedPicture& served) {
    std::vector<std::byte> bytes(file.bytes.size());
    std::memcpy(bytes.data(), file.bytes.data(), bytes.size());
    PictureDecoder& decoder = file.is_kept && keeper_ ? *keeper_ : decoder_;
    Picture picture = decoder.decode(bytes, file.name.empty() ? "picture" : file.name);
    served.error = std::move(picture.error);
    served.thumbnail = std::move(picture.thumbnail);
    served.digest = std::move(picture.digest);
    served.height = picture.height;
    served.width = picture.width;
    return std::move(picture.sample);
  }

  PictureDecoder decoder_;
  std::unique_ptr<PictureDecoder> keeper_;  // of pictures for the gallery
  Embedder embedder_;
  Batcher batcher_;
};

}  // namespace

void serve(const ServeOptions& options, ServeListener& listener) {
  check_access(options.access);
  const Model model = read_model(options.model);
  const Workers workers(options.threads);
  Metrics metrics;
  // Decoders are forked before there are sockets and threads.
  const bool keeps = !options.gallery.empty();
  Engine engine(model, keeps, workers, options.batch_wait_seconds, metrics);
  std::unique_ptr<ServedGallery> gallery;
  if (keeps) {
    gallery = std::make_unique<ServedGallery>(options.gallery, workers);
    gallery->check_model(model, options.model);
  }
  const ModelFacts facts = facts_of(model, engine.embedder(), options.version);
  Access access = options.access;
  access.how_to_name = "; kindred serve --host NAME allows another";
  Handlers handlers(access, facts, engine.pictures(), gallery.get(), metrics);
  HttpFront front(access.address.ip, access.address.port, options.limits,
                  {[&](const HttpHead& head) { return handlers.gate(head); },
                   [&](HttpRequest& request) { return handlers.answer(request); },
                   [&](const Exchange& done) { listener.on_request(handlers.record(done)); }});
  access.address.port = front.port();
  handlers.set_state([&] { return front.state(); });
  listener.on_ready(access.address.text());
  front.run();
}

}  // namespace kindred::serve
