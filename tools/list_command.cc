#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "catalogue.h"
#include "command.h"
#include "curves/draw_curves.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/text.h"
#include "suggestion.h"
#include "wrapped.h"

namespace kindred::tools {
namespace {

constexpr std::size_t kListColumns = 80;

std::string range_text(const Range& range) {
  if (std::isinf(range.low) && std::isinf(range.high)) return "";
  return fmt::format(", {} to {}", range.low, range.high);
}

void print_setting(const Setting& setting) {
  fmt::print("    {} = {}\n", setting.key, setting.value);
  const std::string about =
      fmt::format("{}{}; {}", setting.type, range_text(setting.range), setting.description);
  fmt::print("{}", wrapped(about, kListColumns, "        "));
}

void print_entry(const CatalogueEntry& entry) {
  fmt::print("{}", wrapped(fmt::format("{}: {}", entry.name.empty() ? "top level" : entry.name,
                                       printable(entry.summary)),
                           kListColumns, "  ", "      "));
  for (const Setting& setting : entry.settings) print_setting(setting);
}

void print_heading(const CatalogueList& list) { fmt::print("{} ({})\n", list.name, list.what); }

/// "[train]", "[[loss]]" and "train.epochs" are asked for by their last name.
std::string bare(const std::string& asked) {
  std::string name = asked;
  std::erase_if(name, [](char c) { return c == '[' || c == ']'; });
  const std::size_t dot = name.rfind('.');
  return dot == name.npos ? name : name.substr(dot + 1);
}

bool has_key(const CatalogueEntry& entry, const std::string& key) {
  return std::ranges::any_of(entry.settings,
                             [&](const Setting& setting) { return setting.key == key; });
}

/// Everything of that name: entries whole, and keys below what they belong to. False where nothing
/// is.
bool print_named(const std::vector<CatalogueList>& lists, const std::string& name) {
  bool found = false;
  for (const CatalogueList& list : lists) {
    bool headed = false;
    for (const CatalogueEntry& entry : list.entries) {
      const bool whole = entry.name == name;
      if (!whole && !has_key(entry, name)) continue;
      if (!headed) print_heading(list);
      headed = found = true;
      if (whole) {
        print_entry(entry);
        continue;
      }
      fmt::print("  {}\n", entry.name.empty() ? "top level" : entry.name);
      for (const Setting& setting : entry.settings) {
        if (setting.key == name) print_setting(setting);
      }
    }
  }
  return found;
}

[[noreturn]] void fail_unknown(const std::vector<CatalogueList>& lists, const std::string& name) {
  std::vector<std::string> all;
  std::vector<std::string> names;
  for (const CatalogueList& list : lists) {
    all.push_back(list.name);
    names.push_back(list.name);
    for (const CatalogueEntry& entry : list.entries) {
      names.push_back(entry.name);
      for (const Setting& setting : entry.settings) names.push_back(setting.key);
    }
  }
  const std::string near = suggestion(name, names);
  fail(ErrorKind::usage,
       fmt::format("list: nothing is called '{}'{}", name,
                   near.empty() ? fmt::format("; the lists are {}", fmt::join(all, ", ")) : near));
}

void list(const std::string& asked) {
  const std::vector<CatalogueList> lists = catalogue();
  bool found = false;
  for (const CatalogueList& one : lists) {
    if (!asked.empty() && asked != one.name) continue;
    found = true;
    print_heading(one);
    for (const CatalogueEntry& entry : one.entries) print_entry(entry);
  }
  if (found) return;
  if (!print_named(lists, asked) && !print_named(lists, bare(asked))) fail_unknown(lists, asked);
}

}  // namespace

void add_list(const Command& program) {
  auto which = std::make_shared<std::string>();
  const Command command = program.add_command("list", "what there is, with settings and defaults");
  command
      .add_option("what", *which,
                  "a list, a table of recipes (train), anything's name (triplet), or a key "
                  "(learning_rate); default: everything")
      // What is in braces is what completion offers.
      .type_name(
          "{sections,losses,miners,architectures,layers,optimizers,samplers,formats,metrics,"
          "recipes}|NAME");
  auto curves = std::make_shared<std::string>();
  command.add_option("--curves", *curves, "writes a picture of every loss's curve instead (SVG)")
      .type_name("FILE.svg")
      .writes_file(kSvgFile);
  command.footer(
      "Example:\n  kindred list losses\n  kindred list train\n  kindred list supcon\n"
      "  kindred list losses --curves losses.svg");
  command.callback([which, curves] {
    if (curves->empty()) {
      list(*which);
    } else {
      write_file_durably(*curves, draw_curves(loss_curves()));
    }
  });
}

}  // namespace kindred::tools
