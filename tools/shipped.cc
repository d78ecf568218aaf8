#include "shipped.h"

#include <fmt/format.h>
#include <sys/auxv.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <system_error>

#include "command.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/recipe.h"

namespace kindred::tools {
namespace {

namespace fs = std::filesystem;

/// Where this program lies: without /proc, by the name that it was started by. "" where neither
/// tells.
fs::path own_path() {
  std::error_code unknown;
  fs::path program = fs::read_symlink("/proc/self/exe", unknown);
  if (!unknown) return program;
  const auto* started = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  return started == nullptr ? fs::path() : fs::canonical(started, unknown);
}

std::vector<fs::path> data_folders() {
  std::vector<fs::path> folders;
  if (const char* named = std::getenv("KINDRED_DATA"); named != nullptr && *named != '\0') {
    folders.emplace_back(named);
  }
  const fs::path program = own_path();
  if (program.empty()) return folders;
  folders.push_back(program.parent_path().parent_path() / "share" / "kindred");
  return folders;
}

// "# A first sentence. A second" in the first line, or two: "A first sentence".
std::string summary_of(const fs::path& path) {
  std::istringstream file(beginning_of_file(path.string(), 4096));
  std::string text;
  for (std::string line; std::getline(file, line) && line.starts_with("# ");) {
    text += (text.empty() ? "" : " ") + line.substr(2);
    if (const std::size_t end = (text + " ").find(". "); end != std::string::npos) {
      return text.substr(0, end);
    }
  }
  return text;
}

}  // namespace

std::vector<ShippedRecipe> shipped_recipes() {
  std::vector<ShippedRecipe> recipes;
  for (const fs::path& folder : data_folders()) {
    std::error_code none;
    const fs::path real = fs::canonical(folder, none);
    if (none) continue;
    for (const fs::directory_entry& entry : fs::directory_iterator(real, none)) {
      if (entry.path().extension() != ".toml") continue;
      const std::string name = entry.path().stem().string();
      const bool known = std::any_of(recipes.begin(), recipes.end(),
                                     [&](const auto& recipe) { return recipe.name == name; });
      if (!known) recipes.push_back({name, entry.path().string(), summary_of(entry.path())});
    }
  }
  std::sort(recipes.begin(), recipes.end(),
            [](const auto& one, const auto& other) { return one.name < other.name; });
  return recipes;
}

std::string find_recipe(const std::string& recipe, bool quiet) {
  if (recipe.find('/') != std::string::npos) return recipe;
  const std::vector<ShippedRecipe> shipped = shipped_recipes();
  const std::string name = recipe.ends_with(".toml") ? recipe.substr(0, recipe.size() - 5) : recipe;
  const auto found = std::find_if(shipped.begin(), shipped.end(),
                                  [&](const auto& entry) { return entry.name == name; });
  if (exists(recipe)) {
    if (found != shipped.end() && !quiet) {
      note(fmt::format("{}: the one in this folder, not the recipe {}", recipe, found->path));
    }
    return recipe;
  }
  if (found != shipped.end()) return found->path;
  std::vector<std::string> names;
  for (const ShippedRecipe& entry : shipped) names.push_back(entry.name);
  const std::string near = nearest(name, names);
  fail(ErrorKind::no_input,
       fmt::format("{}: no file of that name is here, and no recipe of that name is shipped{}; {}",
                   recipe, near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near),
                   names.empty() ? "none is: KINDRED_DATA can name a folder of them"
                                 : fmt::format("shipped are {}", fmt::join(names, ", "))));
}

}  // namespace kindred::tools
