#include "serve/target.h"

#include <gtest/gtest.h>

namespace kindred::serve {
namespace {

TEST(Target, IsAPathAndAQuery) {
  const auto target = parse_target("/v1/find?top=5&identity=Anna%20%C3%84+B&empty&last=");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/v1/find");
  EXPECT_EQ(target->query.at("top"), "5");
  EXPECT_EQ(target->query.at("identity"), "Anna \xC3\x84 B");
  EXPECT_EQ(target->query.at("empty"), "");
  EXPECT_EQ(target->query.at("last"), "");
  EXPECT_TRUE(parse_target("/")->query.empty());
  EXPECT_TRUE(parse_target("/?")->query.empty());
}

TEST(Target, KeepsThePathAsItCame) {
  EXPECT_EQ(parse_target("/a/../b//c%2e")->path, "/a/../b//c%2e");
}

TEST(Target, RefusesWhatIsNone) {
  for (const char* const text :
       {"", "*", "http://example.org/", "v1/embed", "/a b", "/\x01", "/\xC3\xA4", "/?a=%", "/?a=%4",
        "/?a=%zz", "/?a=%+1", "/?a=%00", "/?a=%ff", "/?a=%ED%A0%80", "/?a=1&a=2", "/?%=1"}) {
    EXPECT_FALSE(parse_target(text)) << text;
  }
}

TEST(Target, UnescapesToTheEnd) {
  EXPECT_EQ(unescape("%41"), "A");
  EXPECT_EQ(unescape("x%41"), "xA");
  EXPECT_EQ(unescape(""), "");
}

}  // namespace
}  // namespace kindred::serve
