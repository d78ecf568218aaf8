#include "bench/bench_compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "bench/bench_numbers.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred::tools {
namespace {

constexpr const char* kRatios = "ratios";

// What is set, not measured: it should be equal.
const std::set<std::string> kSettings = {"threads",   "batch", "slice", "vectors",
                                         "dimension", "k",     "cores", "streamed"};

/// Every value that is no list by its dotted path.
void flatten(const Json& value, const std::string& path, std::map<std::string, Json>& flat) {
  if (!value.is_object()) {
    if (!value.is_array()) flat[path] = value;
    return;
  }
  for (const auto& [key, part] : value.items()) {
    if (path.empty() && key == kRatios) continue;
    flatten(part, path.empty() ? key : path + "." + key, flat);
  }
}

std::map<std::string, Json> flat_of(const Json& numbers) {
  std::map<std::string, Json> flat;
  flatten(numbers, "", flat);
  return flat;
}

bool is_figure(const std::string& path, const Json& value) {
  return value.is_number() && !kSettings.contains(path.substr(path.rfind('.') + 1));
}

std::vector<std::string> only_in(const std::map<std::string, Json>& one,
                                 const std::map<std::string, Json>& other) {
  std::vector<std::string> names;
  for (const auto& [path, value] : one) {
    if (is_figure(path, value) && !other.contains(path)) names.push_back(path);
  }
  return names;
}

}  // namespace

Json read_comparison(const std::string& path, const std::string& benchmark) {
  constexpr Index kMost = Index{16} << 20;
  const std::vector<std::byte> bytes = read_file(path, kMost);
  const Json old = parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!old.is_object() || !old.contains("benchmark") || !old["benchmark"].is_string()) {
    fail(ErrorKind::data,
         fmt::format("{}: expected what `kindred bench {} --json FILE` writes, an object with "
                     "\"benchmark\"; found {}",
                     path, benchmark, old.is_discarded() ? "no JSON" : "other JSON"));
  }
  if (const auto of = old["benchmark"].get<std::string>(); of != benchmark) {
    fail(ErrorKind::data, fmt::format("{}: it is of `kindred bench {}`, and this is `kindred bench "
                                      "{}`; compare like with like",
                                      path, of, benchmark));
  }
  return old;
}

std::string compare(const Json& old, const std::string& path, Json& numbers) {
  const auto before = flat_of(old);
  const auto now = flat_of(numbers);
  std::string figures;
  std::string settings;
  Json ratios = Json::object();
  for (const auto& [name, value] : now) {
    const auto found = before.find(name);
    if (found == before.end()) continue;
    if (!is_figure(name, value)) {
      if (value != found->second) {
        settings +=
            fmt::format("  {}: {}, was {}\n", name, json_text(value), json_text(found->second));
      }
      continue;
    }
    if (!found->second.is_number()) continue;
    const auto figure = value.get<double>();
    const auto old_figure = found->second.get<double>();
    std::string ratio = "-";
    if (old_figure != 0) {
      ratios[name] = figure / old_figure;
      ratio = fmt::format("{:.2f}", figure / old_figure);
    }
    figures += fmt::format("  {:<62} {:>12} {:>12} {:>7}\n", name, grouped(figure),
                           grouped(old_figure), ratio);
  }
  numbers[kRatios] = ratios;
  std::string text =
      fmt::format("\nagainst {}\n  {:<62} {:>12} {:>12} {:>7}\n", path, "", "new", "old", "ratio");
  text += figures;
  if (!settings.empty()) text += "what is not the same:\n" + settings;
  const auto missing = only_in(now, before);
  const auto gone = only_in(before, now);
  if (!missing.empty()) text += fmt::format("not in {}: {}\n", path, fmt::join(missing, ", "));
  if (!gone.empty()) text += fmt::format("in {} alone: {}\n", path, fmt::join(gone, ", "));
  return text;
}

}  // namespace kindred::tools
