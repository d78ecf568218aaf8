#include "core/cgroup.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

namespace kindred {
namespace {

constexpr std::size_t kMostGroups = 256;  // one in another

/// A mounted hierarchy, and this process's group in it.
struct Hierarchy {
  std::string mounted;   ///< where, behind `root`
  std::string group;     ///< below that: "", or "/a/b"
  bool unified = false;  ///< version 2
  bool cpu = false;
  bool memory = false;
};

/// A line of /proc/self/cgroup: "4:cpu,cpuacct:/a/b"; of version 2 "0::/a/b".
struct Membership {
  std::string controllers;
  std::string path;
};

std::vector<std::string> words(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool has_word(const std::string& list, std::string_view word) {
  const std::vector<std::string> all = words(list, ',');
  return std::find(all.begin(), all.end(), word) != all.end();
}

std::vector<Membership> memberships(const std::string& root) {
  std::vector<Membership> found;
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == line.npos ? first : line.find(':', first + 1);
    if (second == line.npos) continue;
    found.push_back({line.substr(first + 1, second - first - 1), line.substr(second + 1)});
  }
  return found;
}

// A mount shows the tree from a group `shown` on: in a container that sees the names of the host,
// what stands before is not there. A group that is not below it is seen from outside: then the
// mount's own limits are all there is.
std::string below(const std::string& path, const std::string& shown) {
  if (shown == "/" || shown.empty()) return path == "/" ? "" : path;
  if (path == shown || !path.starts_with(shown + "/")) return "";
  return path.substr(shown.size());
}

/// Mount point and what else mountinfo says: "31 23 0:28 /shown /mounted OPTIONS - TYPE FROM
/// SUPER".
std::vector<Hierarchy> hierarchies(const std::string& root) {
  const std::vector<Membership> members = memberships(root);
  const auto group_with = [&](auto&& is_wanted) -> const Membership* {
    const auto own = std::find_if(members.begin(), members.end(), is_wanted);
    return own == members.end() ? nullptr : &*own;
  };
  std::vector<Hierarchy> found;
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> fields = words(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (dash - fields.begin() < 6 || fields.end() - dash < 4) continue;
    Hierarchy one;
    one.mounted = fields[4];
    one.unified = dash[1] == "cgroup2";
    if (!one.unified && dash[1] != "cgroup") continue;
    one.cpu = one.unified || has_word(dash[3], "cpu");
    one.memory = one.unified || has_word(dash[3], "memory");
    const Membership* own = group_with([&](const Membership& member) {
      return one.unified ? member.controllers.empty()
                         : (one.cpu && has_word(member.controllers, "cpu")) ||
                               (one.memory && has_word(member.controllers, "memory"));
    });
    if (own != nullptr) one.group = below(own->path, fields[3]);
    if (one.cpu || one.memory) found.push_back(std::move(one));
  }
  if (!found.empty()) return found;
  // Where no /proc is mounted: what stands at the usual place.
  return {{"/sys/fs/cgroup", "", true, true, true},
          {"/sys/fs/cgroup/cpu", "", false, true, false},
          {"/sys/fs/cgroup/memory", "", false, false, true}};
}

std::optional<double> number(const std::string& text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || !(value > 0)) return std::nullopt;
  return value;
}

/// The words of a small file.
std::vector<std::string> read_whole(const std::string& path) {
  std::ifstream file(path);
  return {std::istream_iterator<std::string>(file), {}};
}

std::optional<double> number_in(const std::string& path) {
  const std::vector<std::string> text = read_whole(path);
  return text.size() == 1 ? number(text[0]) : std::nullopt;
}

/// Makes `limit` the least of what was and `found`; 0 is none.
template <typename T>
void lower(T& limit, double found) {
  constexpr double kUnlimited = 0x1p62;  // more is version 1's way to say none
  if (found < 1e-3 || found > kUnlimited) return;
  const T value = static_cast<T>(found);
  if (limit == 0 || value < limit) limit = value;
}

void read_group(const Hierarchy& of, const std::string& folder, CgroupLimits& limits) {
  if (of.unified) {
    // "150000 100000" or "max 100000".
    const std::vector<std::string> text = read_whole(folder + "/cpu.max");
    const auto quota = text.size() == 2 ? number(text[0]) : std::nullopt;
    const auto period = text.size() == 2 ? number(text[1]) : std::nullopt;
    if (quota && period) lower(limits.cpus, *quota / *period);
    for (const char* name : {"/memory.max", "/memory.high"}) {
      if (const auto bytes = number_in(folder + name)) lower(limits.memory, *bytes);
    }
    return;
  }
  const auto quota = of.cpu ? number_in(folder + "/cpu.cfs_quota_us") : std::nullopt;
  const auto period = of.cpu ? number_in(folder + "/cpu.cfs_period_us") : std::nullopt;
  if (quota && period) lower(limits.cpus, *quota / *period);
  const auto bytes = of.memory ? number_in(folder + "/memory.limit_in_bytes") : std::nullopt;
  if (bytes) lower(limits.memory, *bytes);
}

}  // namespace

CgroupLimits cgroup_limits(const std::string& root) {
  CgroupLimits limits;
  for (const Hierarchy& one : hierarchies(root)) {
    std::string group = one.group;
    for (std::size_t i = 0; i < kMostGroups; ++i) {
      read_group(one, root + one.mounted + group, limits);
      if (group.empty()) break;
      group.resize(group.rfind('/') == group.npos ? 0 : group.rfind('/'));
    }
  }
  return limits;
}

}  // namespace kindred
