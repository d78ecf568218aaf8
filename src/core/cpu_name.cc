#include "kindred/core/cpu_name.h"

#include <fstream>

namespace kindred {

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (!line.starts_with("model name") || colon == std::string::npos) continue;
    return line.substr(colon + 2);
  }
  return "unknown CPU";
}

}  // namespace kindred
