// Texts that others wrote and that are parsed in this process: what would take all of the stack, of
// the memory or of the afternoon is refused before it is parsed.
#include <gtest/gtest.h>

#include <string>

#include "core/texts/json_text.h"
#include "core/texts/toml_limits.h"
#include "kindred/core/recipe.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

std::string times(int count, const std::string& piece) {
  std::string text;
  for (int i = 0; i < count; ++i) text += piece;
  return text;
}

void expect_refused(const std::string& text, const std::string& part) {
  test::expect_error(ErrorKind::recipe, part, [&] { Recipe::from_text(text, "it.toml"); });
}

// A table for each part, one in the other: letting them go took the stack.
TEST(RecipeLimits, KeysHaveFewParts) {
  expect_refused(times(50'000, "a.") + "a = 1\n", "more than 16 parts");
  expect_refused("[" + times(50'000, "a.") + "a]\n", "line 1: a key has more than 16 parts");
  expect_refused("\n[[" + times(50'000, "a . ") + "a]]\n", "line 2");
  expect_refused("x = {" + times(50'000, "'a'.") + "a = 1}\n", "more than 16 parts");
  expect_refused(times(50'000, "\"a\".") + "a = 1\n", "more than 16 parts");
  Recipe recipe;
  test::expect_error(ErrorKind::usage, "50001 parts",
                     [&] { recipe.set(times(50'000, "a.") + "a=1"); });
}

TEST(RecipeLimits, NestingIsShallow) {
  expect_refused("x = " + times(100'000, "["), "nested more than 16 deep");
  expect_refused("x = " + times(100'000, "{a="), "nested more than 16 deep");
  Recipe recipe;
  recipe.set("x=" + times(100'000, "["));  // no TOML: a word
  EXPECT_EQ(recipe.flat().at("x").size(), 100'002u);
}

// Keys are looked up one by one: 80,000 took 6 seconds.
TEST(RecipeLimits, KeysAreFew) {
  std::string keys;
  std::string tables;
  std::string arrays;
  for (int i = 0; i < 11'000; ++i) {
    const std::string name = "k" + std::to_string(i);
    keys += name + " = 1\n";
    tables += "[" + name + "]\n";
    arrays += "[[" + name + "]]\n";
  }
  for (const std::string& text : {keys, tables, arrays}) expect_refused(text, "more than 10000");
  expect_refused(std::string(600, 'k') + " = 1\n", "a key has 601 bytes");
  expect_refused(std::string((1 << 20) + 1, '\n'), "at most 1048576");
}

// What looks like it in texts and comments is nothing of that.
TEST(RecipeLimits, TextsAndCommentsAreFree) {
  const std::string dots = times(100, "a.b[{=");
  const std::string text = "# " + dots + "\n" + R"(one = ")" + dots + R"(\" ")" + " # \" " + dots +
                           "\ntwo = '" + dots + "\\'\nthree = \"\"\"\n" + dots +
                           "\"\" \\\"\"\" \n\"\"\"\"\"\nfour = '''" + dots + "\n''" + dots +
                           "'''\nfive = [" + times(2000, "1.5, -2.25e-3,\n") + "]\nsix = [" +
                           times(3, "\"" + dots + "\",") + "]\n";
  EXPECT_EQ(beyond_toml_limits(text), "");
  const Recipe recipe = Recipe::from_text(text, "it.toml");
  EXPECT_EQ(recipe.flat().size(), 6u);
  EXPECT_EQ(recipe.flat().at("one"), "\"" + dots + "\\\" \"");
  // Behind each kind of text the limits hold again.
  for (const char* before : {"a = \"x\"\n", "a = 'x'\n", "a = \"\"\"x\"\"\"\"\n", "a = '''x'''\n",
                             "a = \"\"\n", "a = ''\n", "a = \"\"\"\"\"\"\n", "# \"\n", "a = '\\'\n",
                             "a = \"\\\\\"\n", "a = \"not closed\n"}) {
    EXPECT_NE(beyond_toml_limits(before + times(20, "a.") + "a = 1\n"), "") << before;
  }
}

TEST(JsonLimits, AreAskedBeforeTheTextIsParsed) {
  const auto refused = [](const std::string& text, const std::string& part) {
    test::expect_error(ErrorKind::data, part, [&] { parse_json(text, "m.kindred: its list"); });
  };
  refused(times(1'000'000, "["), "m.kindred: its list is nested more than 16 deep");
  refused(times(1'000'000, "{\"a\":"), "nested more than 16 deep");
  std::string keys = "{";
  for (int i = 0; i < 2000; ++i) keys += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":1";
  refused(keys + "}", "more than 1000 keys");
  refused("{\"a\" 1}", "is no JSON");
  refused("\"caf\xE9\"", "is no JSON");
  EXPECT_EQ(parse_json("[\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[[\", {\"a\": 2}]", "x")[1]["a"], 2);
}

TEST(JsonText, TakesAnyBytes) {
  EXPECT_EQ(dump_json({"caf\xE9", "\xC3\xA9"}), "[\"caf\xEF\xBF\xBD\",\"\xC3\xA9\"]");
  EXPECT_EQ(quoted("a\"\n"), "\"a\\\"\\n\"");
}

}  // namespace
}  // namespace kindred
