// Recipes. What is written of one that was read is read again, and is the same.
#include "kindred/core/recipe.h"

#include "fuzz.h"

static std::string resolved(std::string_view text, std::string_view assignment) {
  using namespace kindred;
  Recipe recipe = Recipe::from_text(text, "it");
  if (!assignment.empty()) recipe.set(assignment);
  double number = 1;
  std::string word = "a";
  std::vector<Index> list{1};
  for (Section& loss : recipe.root().sections("loss")) {
    loss.read("name", word, "of it");
    loss.read("margin", number, "of it", {0, 10});
    loss.finish();
  }
  Section data = recipe.root().section("data");
  data.read("file", word, "of it");
  data.finish();
  Section network = recipe.root().section("network");
  network.read("sizes", list, "of it");
  network.finish();
  recipe.finish();
  recipe.flat();
  return recipe.resolved();
}

// A recipe; behind a zero a setting of the command line.
KINDRED_FUZZ_TARGET(recipe) {
  const std::size_t end = bytes.find('\0');
  const std::string first =
      resolved(bytes.substr(0, end), end == bytes.npos ? "" : bytes.substr(end + 1));
  kindred::fuzz::require(resolved(first, "") == first);
}
