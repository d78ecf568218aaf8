#include "kindred/core/text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kindred {
namespace {

TEST(Text, KnowsUtf8) {
  for (const char* text :
       {"", "dog", "caf\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x90\xB6", "\xEF\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
    EXPECT_EQ(valid_utf8(text), text);
  }
  // Latin-1; cut off; a continuation alone; longer than needed; a surrogate; above U+10FFFF.
  for (const char* text : {"caf\xE9", "\xC3", "\xE2\x82", "\xA9", "\xC0\xAF", "\xE0\x80\xAF",
                           "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
    EXPECT_TRUE(is_utf8(valid_utf8(text)));
  }
  EXPECT_EQ(valid_utf8("caf\xE9/\xC3\xA9"), "caf\\xE9/\xC3\xA9");
}

TEST(Text, SteersNoTerminal) {
  EXPECT_EQ(printable("caf\xC3\xA9 \xE2\x82\xAC"), "caf\xC3\xA9 \xE2\x82\xAC");
  EXPECT_EQ(printable("\x1B[2Jgone"), "\\x1B[2Jgone");
  EXPECT_EQ(printable("a\nkindred: done\r\t\x7F"), "a\\x0Akindred: done\\x0D\\x09\\x7F");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "\\u009B31m");                                // C1's own escape
  EXPECT_EQ(printable("\xE2\x80\xAEgpj"), "\\u202Egpj");  // right to left
  EXPECT_EQ(printable("caf\xE9"), "caf\\xE9");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable_lines("a\x1B\nb\n"), "a\\x1B\nb\n");
}

TEST(Text, NamesStayDifferent) {
  // The first is what the second is written as.
  std::vector<std::string> names{"caf\\xE9", "caf\xE9", "dog", "caf\xE9", "caf\\xE9 (2)", "\xE9"};
  EXPECT_EQ(make_valid_utf8(names), 2);
  const std::vector<std::string> expected{"caf\\xE9",     "caf\\xE9 (3)", "dog",
                                          "caf\\xE9 (3)", "caf\\xE9 (2)", "\\xE9"};
  EXPECT_EQ(names, expected);
  EXPECT_EQ(make_valid_utf8(names), 0);
  EXPECT_EQ(names, expected);
}

TEST(Text, PathsComeBack) {
  EXPECT_EQ(text_of_path("/sets/caf\xC3\xA9 50%.h5"), "/sets/caf\xC3\xA9 50%.h5");
  EXPECT_EQ(text_of_path("/sets/caf\xE9 50%.h5"), "file:///sets/caf%E9%2050%25.h5");
  std::string all = "/";
  for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_TRUE(is_utf8(text_of_path(all)));
  EXPECT_EQ(path_of_text(text_of_path(all)), all);
  EXPECT_EQ(path_of_text("plain%20name"), "plain%20name");
  EXPECT_EQ(path_of_text("file:///a%2"), "/a%2");
  EXPECT_EQ(path_of_text("file:///a%zz"), "/a%zz");
}

}  // namespace
}  // namespace kindred
