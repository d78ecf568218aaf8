#include "serve/access.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "kindred/core/file.h"
#include "support/temp_folder.h"

namespace kindred::serve {
namespace {

Access access_at(const std::string& listen, const std::string& token = "") {
  return {listen_address_of(listen), {}, token};
}

HttpHead asking(const std::string& host) {
  HttpHead head;
  head.method = "GET";
  head.target = "/";
  head.hosts = {host};
  return head;
}

int status(const Access& access, const HttpHead& head, bool is_open = false) {
  const auto refused = refusal(access, head, is_open);
  return refused ? refused->status : 200;
}

TEST(Access, TakesHostsThatNameTheListeningAddress) {
  const Access access = access_at("127.0.0.1:8080");
  for (const char* const host : {"127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080"}) {
    EXPECT_EQ(status(access, asking(host)), 200) << host;
  }
  for (const char* const host :
       {"evil.example", "evil.example:8080", "127.0.0.1", "127.0.0.1:80", "localhost", "",
        "127.0.0.1:8080.evil.example", "localhost.evil.example:8080",
        "127.0.0.1:", "[127.0.0.1]:808", "127.0.0.1:8080@evil.example", "10.0.0.1:8080",
        "127.0.0.1:08080", "localhost:8080/x"}) {
    EXPECT_EQ(status(access, asking(host)), 403) << host;
  }
  EXPECT_EQ(status(access_at("[::1]:80"), asking("[::1]")), 200);
  EXPECT_EQ(status(access_at("[::1]:80"), asking("[::1]:80")), 200);
  EXPECT_EQ(status(access_at("[::1]:80"), asking("::1")), 403);
}

TEST(Access, TakesExactlyOneHost) {
  HttpHead head = asking("127.0.0.1:8080");
  head.hosts.clear();
  EXPECT_EQ(status(access_at("127.0.0.1:8080"), head), 400);
  head.hosts = {"127.0.0.1:8080", "127.0.0.1:8080"};
  EXPECT_EQ(status(access_at("127.0.0.1:8080"), head), 400);
}

TEST(Access, BeyondLoopbackTakesAddressesButNoForeignNames) {
  const Access access = access_at("0.0.0.0:8080", "0123456789abcdef");
  EXPECT_EQ(status(access, asking("192.168.1.7:8080"), true), 200);
  EXPECT_EQ(status(access, asking("evil.example:8080"), true), 403);
}

TEST(Access, TakesNamesThatItWasToldOf) {
  Access access = access_at("127.0.0.1:8080");
  access.names = {"faces.example.org"};
  EXPECT_EQ(status(access, asking("faces.example.org")), 200);
  EXPECT_EQ(status(access, asking("Faces.Example.org:443")), 200);
  EXPECT_EQ(status(access, asking("other.example.org")), 403);
  HttpHead head = asking("faces.example.org");
  head.origins = {"https://faces.example.org"};
  EXPECT_EQ(status(access, head), 200);
}

TEST(Access, RefusesForeignOrigins) {
  const Access access = access_at("127.0.0.1:8080");
  HttpHead head = asking("127.0.0.1:8080");
  for (const char* const origin : {"http://127.0.0.1:8080", "http://localhost:8080"}) {
    head.origins = {origin};
    EXPECT_EQ(status(access, head), 200) << origin;
  }
  for (const char* const origin :
       {"http://evil.example", "null", "", "http://127.0.0.1", "http://[::1]:8080",
        "https://localhost", "file://", "http://127.0.0.1:8080.evil.example",
        "chrome-extension://abc", "http://evil.example:8080"}) {
    head.origins = {origin};
    EXPECT_EQ(status(access, head), 403) << origin;
  }
  head.origins = {"http://127.0.0.1:8080", "http://evil.example"};
  EXPECT_EQ(status(access, head), 403);
}

TEST(Access, RefusesWhatOthersPagesEmbed) {
  const Access access = access_at("127.0.0.1:8080");
  HttpHead head = asking("127.0.0.1:8080");
  head.fetch_site = "cross-site";
  head.fetch_mode = "no-cors";
  EXPECT_EQ(status(access, head), 403);
  head.fetch_mode = "navigate";  // somebody follows a link to the page
  EXPECT_EQ(status(access, head), 200);
  head.method = "POST";  // a form of theirs
  EXPECT_EQ(status(access, head), 403);
  head.fetch_site = "same-origin";
  EXPECT_EQ(status(access, head), 200);
}

TEST(Access, WantsTheToken) {
  const Access access = access_at("127.0.0.1:8080", "correct-horse-battery");
  HttpHead head = asking("127.0.0.1:8080");
  EXPECT_EQ(status(access, head), 401);
  EXPECT_EQ(status(access, head, true), 200);
  const auto refused = refusal(access, head, false);
  ASSERT_EQ(refused->fields.size(), 1U);
  EXPECT_EQ(refused->fields[0].first, "WWW-Authenticate");
  for (const char* const right : {"Bearer correct-horse-battery", "bearer correct-horse-battery",
                                  "Basic YW55Ym9keTpjb3JyZWN0LWhvcnNlLWJhdHRlcnk=",
                                  "Basic OmNvcnJlY3QtaG9yc2UtYmF0dGVyeQ=="}) {
    head.authorization = right;
    EXPECT_EQ(status(access, head), 200) << right;
  }
  for (const char* const wrong :
       {"", "Bearer", "Bearer ", "Bearer correct-horse-batter", "Bearer correct-horse-batteryy",
        "Bearer Correct-horse-battery", "Bearer  correct-horse-battery", "correct-horse-battery",
        "Basic", "Basic !!!", "Basic Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5", "Digest correct-horse-battery",
        "Basic Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5Og=="}) {
    head.authorization = wrong;
    EXPECT_EQ(status(access, head), 401) << wrong;
  }
}

TEST(Access, ComparesAllOfATokenWhateverItIs) {
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("bbc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("ab", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abcabc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("", "abc"));
}

TEST(Access, ReadsBase64) {
  EXPECT_EQ(from_base64("YTpi"), "a:b");
  EXPECT_EQ(from_base64("YTpiYw=="), "a:bc");
  EXPECT_EQ(from_base64(""), "");
  EXPECT_FALSE(from_base64("Y"));
  EXPECT_FALSE(from_base64("YT pi"));
  EXPECT_FALSE(from_base64("YT=pi"));
}

TEST(Access, ReadsTokenFiles) {
  const test::TempFolder folder;
  const auto token_of = [&](const std::string& text) {
    write_file_durably(folder / "token", text);
    return read_token(folder / "token");
  };
  EXPECT_EQ(token_of("0123456789abcdef\n"), "0123456789abcdef");
  EXPECT_EQ(token_of("0123456789abcdef\r\n"), "0123456789abcdef");
  for (const char* const text :
       {"", "\n", "short\n", "0123456789abcdef two\n", "0123456789abcdef\n0123456789abcdef\n",
        "0123456789abcdef\xC3\xA4"}) {
    test::expect_error(ErrorKind::data, "expected one line of 16 to 1024 letters",
                       [&] { token_of(text); });
  }
  test::expect_error(ErrorKind::no_input, "missing", [&] { read_token(folder / "missing"); });
  ::chmod((folder / "token").c_str(), 0644);
  EXPECT_TRUE(is_readable_by_all(folder / "token"));
  ::chmod((folder / "token").c_str(), 0640);
  EXPECT_FALSE(is_readable_by_all(folder / "token"));
}

}  // namespace
}  // namespace kindred::serve
