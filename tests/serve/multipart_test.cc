#include "serve/multipart.h"

#include <gtest/gtest.h>

#include "support/mutation.h"
#include "support/temp_folder.h"

namespace kindred::serve {
namespace {

const std::string kHead = "Content-Disposition: form-data; ";

std::string part(const std::string& disposition, const std::string& content) {
  return "--b\r\n" + kHead + disposition + "\r\n\r\n" + content + "\r\n";
}

std::vector<FormPart> parts_of(const std::string& body) { return parse_multipart(body, "b", 8); }

void expect_refused(const std::string& body, const std::string& why) {
  test::expect_error(ErrorKind::data, why, [&] { parts_of(body); });
}

TEST(Multipart, HasFilesAndFields) {
  const std::string body =
      part("name=\"image\"; filename=\"a \\\"b\\\".jpg\"\r\nContent-Type: image/jpeg",
           std::string("\xFF\xD8\0--b\r\nx", 9)) +
      part("name=identity", "Anna") + part("name=\"empty\"", "") + "--b--\r\n";
  const auto parts = parts_of(body);
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_TRUE(parts[0].is_file);
  EXPECT_EQ(parts[0].name, "image");
  EXPECT_EQ(parts[0].file_name, "a \"b\".jpg");
  EXPECT_EQ(parts[0].content, std::string_view("\xFF\xD8\0--b\r\nx", 9));
  EXPECT_FALSE(parts[1].is_file);
  EXPECT_EQ(parts[1].name, "identity");
  EXPECT_EQ(parts[1].content, "Anna");
  EXPECT_EQ(parts[2].content, "");
}

TEST(Multipart, TakesPreambleAndEpilogueAndSpaces) {
  const std::string body = "preamble\r\n--b \t\r\n" + kHead + "name=x\r\n\r\n1\r\n--b--epilogue";
  const auto parts = parts_of(body);
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].content, "1");
}

TEST(Multipart, TakesNamesThatAreNoUtf8) {
  const auto parts = parts_of(part("name=x; filename=\"\xE9.jpg\"", "1") + "--b--");
  EXPECT_EQ(parts[0].file_name, "\\xE9.jpg");
}

TEST(Multipart, RefusesBrokenForms) {
  expect_refused("", "is not in the body");
  expect_refused("--c\r\n\r\n--c--", "is not in the body");
  expect_refused("--bx\r\n\r\n", "is not followed by a line's end");
  expect_refused("--b\r\n" + kHead + "name=x\r\n\r\n1", "ends within a part");
  expect_refused("--b\r\n" + kHead + "name=x\r\n", "has no end within");
  expect_refused("--b\r\n" + kHead + "name=x" + std::string(9000, 'x') + "\r\n\r\n\r\n--b--",
                 "has no end within 8192 bytes");
  expect_refused("--b\r\nno field\r\n\r\n1\r\n--b--", "is no field");
  expect_refused("--b\r\n\r\n1\r\n--b--", "part 1 has no name");
  expect_refused(part("filename=\"x\"", "1") + "--b--", "part 1 has no name");
  expect_refused(part("name=\"x", "1") + "--b--", "part 1 has no name");
  expect_refused(part("name=x", "1") + "--b", "is not followed by a line's end");
  std::string many;
  for (int i = 0; i < 9; ++i) many += part("name=x", "1");
  expect_refused(many + "--b--", "more than 8 parts");
  test::expect_error(ErrorKind::data, "names no boundary", [] { parse_multipart("--", "", 8); });
}

TEST(Multipart, KnowsItsBoundary) {
  EXPECT_EQ(boundary_of("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(boundary_of("Multipart/Form-Data ; charset=x; Boundary=\"a b\""), "a b");
  EXPECT_EQ(boundary_of("multipart/form-data"), "");
  EXPECT_EQ(boundary_of("multipart/form-data; boundary="), "");
  EXPECT_EQ(boundary_of("multipart/form-data; boundary=" + std::string(71, 'b')), "");
  EXPECT_EQ(boundary_of("multipart/form-data; boundary=\"\x01\""), "");
  EXPECT_EQ(boundary_of("image/jpeg"), std::nullopt);
  EXPECT_EQ(boundary_of(""), std::nullopt);
  EXPECT_EQ(boundary_of("multipart/mixed; boundary=abc"), std::nullopt);
}

// Any bytes are a form or an Error, and parts lie in the body.
TEST(Multipart, SurvivesMutations) {
  const std::string whole = part("name=\"image\"; filename=\"a.jpg\"", "abc\r\n--") +
                            part("name=identity", "Anna") + "--b--\r\n";
  test::Mutator mutate(7);
  for (int round = 0; round < test::in_long_tests(100000); ++round) {
    const std::string body = mutate(whole, "\r\n--b\r\n--b--\r\n");
    try {
      for (const FormPart& one : parts_of(body)) {
        EXPECT_FALSE(one.name.empty());
        if (one.content.empty()) continue;
        EXPECT_GE(one.content.data(), body.data());
        EXPECT_LE(one.content.data() + one.content.size(), body.data() + body.size());
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
    }
  }
}

}  // namespace
}  // namespace kindred::serve
