#include "train/parameter_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/texts/did_you_mean.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

/// * stands for any text, ? for one character.
bool matches(std::string_view pattern, std::string_view name) {
  // The last * seen, and where it began to stand for something: tried again one character longer.
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = pattern.npos;
  std::size_t held = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      held = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != pattern.npos) {
      p = star + 1;
      n = ++held;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

/// The first step at which the rule no longer freezes; 0 where it never does, -1 where it always
/// does.
Index end_of(const ParameterRule& rule, Index planned_steps) {
  if (rule.frozen) return -1;
  // 0.07 of 100 steps is 7.000000000000001 in double, and 7 to whoever wrote it.
  constexpr double kRounding = 1e-6;
  const double steps = rule.freeze_until * static_cast<double>(planned_steps);
  return static_cast<Index>(std::ceil(steps - kRounding));
}

bool freezes(const ParameterRule& rule, Index planned_steps, Index step) {
  const Index end = end_of(rule, planned_steps);
  return end < 0 || step < end;
}

/// The last that matches the name; else `outer`, its block's.
const ParameterRule* rule_of(const std::string& name, const std::vector<ParameterRule>& rules,
                             const ParameterRule* outer) {
  const auto found = std::find_if(rules.rbegin(), rules.rend(), [&](const ParameterRule& rule) {
    return matches(rule.match, name);
  });
  return found == rules.rend() ? outer : &*found;
}

/// A layer and the rule that it is trained by; nullptr: by none.
struct Ruled {
  LayerSpec* layer;
  const ParameterRule* rule;
};

void add_ruled(std::vector<LayerSpec>& layers, const std::vector<ParameterRule>& rules,
               const ParameterRule* outer, std::vector<Ruled>& found) {
  for (LayerSpec& layer : layers) {
    const ParameterRule* rule = rule_of(layer.name, rules, outer);
    found.push_back({&layer, rule});
    for_each_chain(layer,
                   [&](std::vector<LayerSpec>& chain) { add_ruled(chain, rules, rule, found); });
  }
}

std::vector<Ruled> ruled_layers(Architecture& architecture,
                                const std::vector<ParameterRule>& rules) {
  std::vector<Ruled> found;
  add_ruled(architecture.layers, rules, nullptr, found);
  return found;
}

/// The layer that the segment "LAYER.weights" belongs to: the longest name it begins with.
const Ruled* owner_of(const std::string& segment, const std::vector<Ruled>& layers) {
  const Ruled* owner = nullptr;
  for (const Ruled& one : layers) {
    const std::string& name = one.layer->name;
    const bool begins =
        segment.size() > name.size() && segment[name.size()] == '.' && segment.starts_with(name);
    if (begins && (owner == nullptr || name.size() > owner->layer->name.size())) owner = &one;
  }
  return owner;
}

}  // namespace

void check_parameter_rules(const Setup& setup) {
  Architecture architecture = setup.architecture;
  std::vector<std::string> names;
  for (const Ruled& one : ruled_layers(architecture, {})) names.push_back(one.layer->name);
  for (std::size_t i = 0; i < setup.train.parameters.size(); ++i) {
    const std::string& match = setup.train.parameters[i].match;
    const bool any =
        std::ranges::any_of(names, [&](const std::string& name) { return matches(match, name); });
    if (any) continue;
    fail(ErrorKind::recipe,
         fmt::format("{}: [[train.parameters]] {}: match = '{}' names no layer of the network{}",
                     setup.origin, i, match,
                     did_you_mean(match, names,
                                  fmt::format("; its layers begin with '{}'", names.front()))));
  }
}

Architecture frozen_at(const Setup& setup, Index step) {
  Architecture architecture = setup.architecture;
  for (const Ruled& one : ruled_layers(architecture, setup.train.parameters)) {
    one.layer->frozen = one.rule != nullptr && freezes(*one.rule, setup.planned_steps(), step);
  }
  return architecture;
}

Index next_thaw(const Setup& setup, Index step) {
  Index next = -1;
  for (const ParameterRule& rule : setup.train.parameters) {
    const Index end = end_of(rule, setup.planned_steps());
    if (end > step && (next < 0 || end < next)) next = end;
  }
  return next;
}

void mark_segments(const Setup& setup, Index step, ParameterTable& table) {
  if (setup.train.parameters.empty()) return;
  Architecture architecture = setup.architecture;
  const std::vector<Ruled> layers = ruled_layers(architecture, setup.train.parameters);
  for (std::size_t i = 0; i < table.segments().size(); ++i) {
    const Ruled* owner = owner_of(table.segments()[i].name, layers);
    if (owner == nullptr || owner->rule == nullptr) continue;
    table.set_training(i, owner->rule->learning_rate_factor,
                       freezes(*owner->rule, setup.planned_steps(), step));
  }
}

std::string frozen_note(const Setup& setup, Index step, const ParameterTable& table) {
  Architecture architecture = frozen_at(setup, step);
  const std::vector<Ruled> layers = ruled_layers(architecture, setup.train.parameters);
  Index frozen = 0;
  Index all = 0;
  for (const Segment& segment : table.segments()) {
    if (owner_of(segment.name, layers) == nullptr) continue;  // a loss's
    all += segment.size;
    if (segment.frozen) frozen += segment.size;
  }
  if (frozen == 0) return "";
  const Index end = next_thaw(setup, step);
  return fmt::format("frozen: {} of the network's {} trained numbers{}", frozen, all,
                     end < 0 ? "" : fmt::format(", up to step {}", end));
}

}  // namespace kindred
