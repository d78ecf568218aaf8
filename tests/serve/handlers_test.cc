#include "serve/handlers.h"

#include <gtest/gtest.h>

#include "kindred/core/error.h"

namespace kindred::serve {
namespace {

/// A picture of text "3,4" has the embedding (3, 4); other texts are no pictures.
class TextPictures final : public PictureService {
 public:
  std::vector<ServedPicture> embed(std::span<const PictureFile> files) override {
    std::vector<ServedPicture> pictures(files.size());
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::string text(files[i].bytes);
      const std::size_t comma = text.find(',');
      if (comma == std::string::npos) {
        pictures[i].error = "is no picture";
        continue;
      }
      pictures[i].embedding = {std::stof(text), std::stof(text.substr(comma + 1))};
      if (files[i].is_kept) pictures[i].thumbnail = "JPEG";
    }
    return pictures;
  }
  Index pending() const override { return 0; }
};

class ListGallery final : public GalleryService {
 public:
  std::vector<std::vector<Match>> find(Queries queries, Index k) override {
    asked_for = k;
    return std::vector<std::vector<Match>>(queries.size(), {{7, "a.jpg", "Anna", true, 0.5}});
  }
  std::vector<Identified> identify(Queries queries, bool by_centroid,
                                   std::optional<double> threshold) override {
    centroid = by_centroid;
    const bool known = 0.5 >= threshold.value_or(0.4);
    return std::vector<Identified>(queries.size(), {known, "Anna", 0.5, 7});
  }
  std::vector<Added> add(std::span<const NewPicture> pictures,
                         const std::string& identity) override {
    if (locked) fail(ErrorKind::cannot_create, "g.db: others keep it locked");
    if (moved) fail(ErrorKind::io, "g.db: was moved");
    std::vector<Added> places;
    for (const NewPicture& one : pictures) {
      EXPECT_EQ(one.picture->thumbnail, "JPEG");
      names.push_back(identity + ":" + one.path);
      const auto id = static_cast<Index>(names.size());
      places.push_back(one.path == "there.jpg" ? Added{7, true, "Anna"}
                                               : Added{id, false, identity});
    }
    return places;
  }
  bool remove(Index id) override { return id == 7; }
  std::string thumbnail(Index id) override { return id == 7 ? "JPEG" : ""; }
  GallerySummary summary() override {
    return {2, {{"Anna", 1}, {"\xC3\x84", 1}}, 0.4, std::nullopt, 0.9};
  }
  std::optional<double> compare_threshold() override { return 0.9; }
  Index size() override { return 2; }

  Index asked_for = 0;
  bool centroid = false;
  bool locked = false;
  bool moved = false;
  std::vector<std::string> names;
};

class HandlersTest : public testing::Test {
 protected:
  HandlersTest() {
    access.address = listen_address_of("127.0.0.1:8080");
    facts.fingerprint = "abc";
    facts.dimension = 2;
    facts.threshold = 0.25;
  }

  static HttpRequest request(const std::string& method, const std::string& target,
                             const std::string& body = "", const std::string& type = "image/jpeg") {
    HttpRequest made;
    made.head.method = method;
    made.head.target = target;
    made.head.hosts = {"127.0.0.1:8080"};
    made.head.content_type = type;
    made.head.has_length = true;
    made.body = body;
    return made;
  }

  static std::string form(const std::vector<std::string>& pictures, const std::string& more = "") {
    std::string body;
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      body += "--b\r\nContent-Disposition: form-data; name=image; filename=\"" + std::to_string(i) +
              ".jpg\"\r\n\r\n" + pictures[i] + "\r\n";
    }
    return body + more + "--b--\r\n";
  }
  static HttpRequest form_request(const std::string& target,
                                  const std::vector<std::string>& pictures,
                                  const std::string& more = "") {
    return request("POST", target, form(pictures, more), "multipart/form-data; boundary=b");
  }

  /// What the server would say, the gate first.
  HttpReply reply_to(HttpRequest asked, bool with_gallery = true) {
    const Handlers handlers(access, facts, pictures, with_gallery ? &gallery : nullptr, metrics);
    if (auto refused = handlers.gate(asked.head)) return *refused;
    return handlers.answer(asked);
  }
  void expect(int status, const Json& json, HttpRequest asked, bool with_gallery = true) {
    const HttpReply reply = reply_to(std::move(asked), with_gallery);
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(Json::parse(reply.body), json) << reply.body;
  }
  void expect_refused(int status, const std::string& why, HttpRequest asked,
                      bool with_gallery = true) {
    const HttpReply reply = reply_to(std::move(asked), with_gallery);
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_NE(reply.body.find(why), std::string::npos) << reply.body;
    EXPECT_TRUE(Json::parse(reply.body).contains("error"));
  }

  Access access;
  ModelFacts facts;
  TextPictures pictures;
  ListGallery gallery;
  Metrics metrics;
};

TEST_F(HandlersTest, EmbedsOnePictureOrMany) {
  expect(200, {{"model", "abc"}, {"dimension", 2}, {"pictures", {{{"embedding", {3, 0.1}}}}}},
         request("POST", "/v1/embed", "3,0.1"));
  expect(200,
         {{"model", "abc"},
          {"dimension", 2},
          {"pictures",
           {{{"name", "0.jpg"}, {"embedding", {3, 4}}},
            {{"name", "1.jpg"}, {"error", "is no picture"}}}}},
         form_request("/v1/embed", {"3,4", "x"}));
}

TEST_F(HandlersTest, SaysWhereNoPictureCouldBeUsed) {
  expect_refused(422, "is no picture", request("POST", "/v1/embed", "x"));
  expect_refused(422, "no picture can be used", form_request("/v1/embed", {"x", "y"}));
}

TEST_F(HandlersTest, RefusesRequestsWithoutPictures) {
  expect_refused(400, "has no picture", request("POST", "/v1/embed", ""));
  expect_refused(400, "has no picture", form_request("/v1/embed", {}));
  expect_refused(415, "expected one picture",
                 request("POST", "/v1/embed", "{}", "application/json"));
  expect_refused(415, "expected one picture", request("POST", "/v1/embed", "1", "text/plain"));
  expect_refused(400, "not in the body",
                 request("POST", "/v1/embed", "x", "multipart/form-data; boundary=b"));
  expect_refused(413, "may have 256 pictures",
                 form_request("/v1/embed", std::vector<std::string>(257, "1,2")));
  expect_refused(400, "size is no setting", request("POST", "/v1/embed?size=1", "1,2"));
}

TEST_F(HandlersTest, ComparesTwoPictures) {
  // cos((3, 4), (4, 3)) = 24 / 25
  expect(200, {{"score", 0.96}, {"threshold", 0.9}, {"same", true}},
         form_request("/v1/compare", {"3,4", "4,3"}));
  expect(200, {{"score", 0.96}, {"threshold", 0.97}, {"same", false}},
         form_request("/v1/compare?threshold=0.97", {"3,4", "4,3"}));
  expect(200, {{"score", 0.96}, {"threshold", 0.25}, {"same", true}},
         form_request("/v1/compare", {"3,4", "4,3"}), false);
  facts.threshold.reset();
  expect(200, {{"score", 0.96}, {"threshold", nullptr}, {"same", nullptr}},
         form_request("/v1/compare", {"3,4", "4,3"}), false);
  expect_refused(400, "expected two pictures, found 1", request("POST", "/v1/compare", "3,4"));
  expect_refused(422, "is no picture", form_request("/v1/compare", {"3,4", "x"}));
  for (const char* const wrong : {"2", "x", "nan", "1e999", "", "0.5x"}) {
    expect_refused(400, "expected a number from -1 to 1",
                   form_request(std::string("/v1/compare?threshold=") + wrong, {"3,4", "4,3"}));
  }
}

TEST_F(HandlersTest, FindsMatches) {
  const Json match = {
      {"id", 7}, {"identity", "Anna"}, {"path", "a.jpg"}, {"score", 0.5}, {"thumbnail", true}};
  expect(200,
         {{"pictures",
           {{{"name", "0.jpg"}, {"error", "is no picture"}},
            {{"name", "1.jpg"}, {"matches", Json::array({match})}}}}},
         form_request("/v1/find", {"x", "3,4"}));
  EXPECT_EQ(gallery.asked_for, 10);
  reply_to(request("POST", "/v1/find?top=3", "3,4"));
  EXPECT_EQ(gallery.asked_for, 3);
  for (const char* const wrong : {"0", "1001", "-1", "x", "", "1.5", "99999999999999999999"}) {
    expect_refused(400, "expected a whole number from 1 to 1000",
                   request("POST", std::string("/v1/find?top=") + wrong, "3,4"));
  }
}

TEST_F(HandlersTest, IdentifiesOrSaysUnknown) {
  expect(
      200,
      {{"pictures",
        {{{"known", true}, {"identity", "Anna"}, {"nearest", "Anna"}, {"score", 0.5}, {"id", 7}}}}},
      request("POST", "/v1/identify", "3,4"));
  expect(200,
         {{"pictures",
           {{{"known", false},
             {"identity", nullptr},
             {"nearest", "Anna"},
             {"score", 0.5},
             {"id", 7}}}}},
         request("POST", "/v1/identify?threshold=0.6&by=centroid", "3,4"));
  EXPECT_TRUE(gallery.centroid);
  expect_refused(400, "best or centroid", request("POST", "/v1/identify?by=x", "3,4"));
}

TEST_F(HandlersTest, AddsAndRemoves) {
  expect(200,
         {{"pictures",
           {{{"name", "0.jpg"}, {"id", 1}, {"was_there", false}},
            {{"name", "1.jpg"}, {"error", "is no picture"}},
            {{"name", "2.jpg"}, {"id", 2}, {"was_there", false}}}}},
         form_request("/v1/gallery", {"1,2", "x", "3,4"},
                      "--b\r\nContent-Disposition: form-data; name=identity\r\n\r\n\xC3\x84\r\n"));
  EXPECT_EQ(gallery.names, (std::vector<std::string>{"\xC3\x84:0.jpg", "\xC3\x84:2.jpg"}));
  reply_to(request("POST", "/v1/gallery?identity=Anna%20B", "1,2"));
  EXPECT_EQ(gallery.names.back(), "Anna B:");
  expect_refused(400, "control characters", request("POST", "/v1/gallery?identity=a%0Ab", "1,2"));
  expect_refused(400, "more than 500 bytes",
                 request("POST", "/v1/gallery?identity=" + std::string(501, 'a'), "1,2"));
  expect(200, {{"removed", 1}}, request("DELETE", "/v1/gallery/7"));
  expect_refused(404, "no such picture", request("DELETE", "/v1/gallery/8"));
}

TEST_F(HandlersTest, SaysWhenToTryAgain) {
  gallery.locked = true;
  const HttpReply reply = reply_to(request("POST", "/v1/gallery", "1,2"));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.fields.at(0).first, "Retry-After");
}

TEST_F(HandlersTest, SaysThatTheGalleryWasMoved) {
  gallery.moved = true;
  expect_refused(503, "was moved", request("POST", "/v1/gallery", "1,2"));
}

TEST_F(HandlersTest, SaysWhoAPictureWasThatWasThere) {
  const std::string part =
      "--b\r\nContent-Disposition: form-data; name=identity\r\n\r\nBo\r\n"
      "--b\r\nContent-Disposition: form-data; name=f; filename=there.jpg\r\n\r\n1,2\r\n";
  expect(200,
         {{"pictures",
           {{{"name", "there.jpg"}, {"id", 7}, {"was_there", true}, {"identity", "Anna"}}}}},
         form_request("/v1/gallery", {}, part));
}

TEST_F(HandlersTest, WithoutAGallerySaysSo) {
  for (const char* const path : {"/v1/find", "/v1/identify", "/v1/gallery"}) {
    expect_refused(404, "--gallery", request("POST", path, "1,2"), false);
  }
  expect_refused(404, "--gallery", request("DELETE", "/v1/gallery/7"), false);
}

TEST_F(HandlersTest, ShowsTheGallery) {
  expect(200,
         {{"pictures", 2},
          {"identity_count", 2},
          {"identities", Json::array({Json{{"name", "Anna"}, {"pictures", 1}}})},
          {"thresholds", {{"identify", 0.4}, {"centroid", nullptr}, {"compare", 0.9}}}},
         request("GET", "/v1/gallery?top=1"));
  const HttpReply thumbnail = reply_to(request("GET", "/v1/gallery/7/thumbnail"));
  EXPECT_EQ(thumbnail.type, "image/jpeg");
  EXPECT_EQ(thumbnail.body, "JPEG");
  expect_refused(404, "no such thumbnail", request("GET", "/v1/gallery/8/thumbnail"));
}

TEST_F(HandlersTest, ThePageRunsNothingFromElsewhere) {
  const HttpReply page = reply_to(request("GET", "/"));
  EXPECT_EQ(page.type, "text/html; charset=utf-8");
  ASSERT_EQ(page.fields.at(0).first, "Content-Security-Policy");
  EXPECT_EQ(page.fields[0].second.find("unsafe"), std::string::npos);
  EXPECT_NE(page.fields[0].second.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(page.body.find("://"), std::string::npos);
}

TEST_F(HandlersTest, RefusesBeforeTheBodyIsRead) {
  expect_refused(404, "no such path", request("POST", "/v1/other", "1,2"));
  const HttpReply reply = reply_to(request("GET", "/v1/embed"));
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.fields.at(0), std::pair(std::string("Allow"), std::string("POST")));
  HttpRequest endless = request("POST", "/v1/embed");
  endless.head.has_length = false;
  expect_refused(411, "Content-Length", endless);
  expect_refused(400, "no path", request("GET", "*"));
}

TEST_F(HandlersTest, WithoutTheTokenNobodyLearnsWhatThereIs) {
  access.token = "correct-horse-battery";
  for (const char* const method :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "X"}) {
    for (const char* const path : {"/", "/page.js", "/v1/embed", "/v1/gallery/7", "/metrics",
                                   "/openapi.json", "/other", "*", "/?a=%"}) {
      expect_refused(401, "token", request(method, path));
    }
  }
  EXPECT_EQ(reply_to(request("GET", "/healthz")).status, 200);
  expect_refused(401, "token", request("POST", "/healthz"));
}

TEST_F(HandlersTest, LogsNoNames) {
  const Handlers handlers(access, facts, pictures, &gallery, metrics);
  Exchange exchange;
  exchange.head = request("POST", "/v1/gallery?identity=Anna").head;
  exchange.status = 200;
  exchange.pictures = 2;
  const std::string line = handlers.record(exchange);
  EXPECT_EQ(line.find("Anna"), std::string::npos);
  const Json json = Json::parse(line);
  EXPECT_EQ(json["route"], "/v1/gallery");
  EXPECT_EQ(json["pictures"], 2);
  exchange.head = request("DELETE", "/v1/gallery/17").head;
  EXPECT_EQ(Json::parse(handlers.record(exchange))["route"], "/v1/gallery/{id}");
  exchange.head = request("B\"REW", "/anna").head;
  EXPECT_EQ(Json::parse(handlers.record(exchange))["route"], "other");
  const std::string text = metrics.text({});
  EXPECT_NE(
      text.find("kindred_requests_total{route=\"/v1/gallery\",method=\"POST\",status=\"200\"} 1\n"),
      std::string::npos);
  EXPECT_NE(text.find("{route=\"other\",method=\"other\""), std::string::npos);
  EXPECT_NE(text.find("kindred_request_seconds_bucket{route=\"/v1/gallery\",le=\"+Inf\"} 1\n"),
            std::string::npos);
}

}  // namespace
}  // namespace kindred::serve
