#pragma once
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kindred/data/hdf5_file.h"

namespace kindred::test {

/// A case of tests/data/losses.h5 (made in float64 with pytorch-metric-learning and PyTorch
/// autograd), its loss and settings in the names of the registry.
struct LossCase {
  std::string path;                   ///< "losses/uneven/arcface"
  std::string loss;                   ///< "arcface"
  std::vector<std::string> settings;  ///< "margin=0.5", as TOML
};

inline const Hdf5File& loss_case_file() {
  static const Hdf5File opened = Hdf5File::open(KINDRED_TEST_DATA "/losses.h5");
  return opened;
}

// Some of the file's keys only describe.
inline std::vector<std::string> loss_case_settings(const std::string& loss,
                                                   const std::string& json) {
  std::vector<std::string> lines;
  const nlohmann::json settings = nlohmann::json::parse(json);
  for (const auto& [key, value] : settings.items()) {
    if (key == "from_logits" || key == "param_rows") continue;
    if (key == "reduction" && loss != "triplet") continue;
    if (key == "miner" && value == "none") continue;
    if (loss == "proxy_nca" && (key == "distance" || key == "normalize")) continue;
    lines.push_back((key == "miner" ? "mining" : key) + "=" + value.dump());
  }
  return lines;
}

inline std::vector<LossCase> loss_cases() {
  std::vector<LossCase> cases;
  const Hdf5File& file = loss_case_file();
  for (const std::string& batch : file.children("losses")) {
    for (const std::string& name : file.children("losses/" + batch)) {
      const std::string path = "losses/" + batch + "/" + name;
      const std::string loss = file.attribute_text(path, "loss");
      cases.push_back({path, loss == "cross_entropy" ? "softmax" : loss,
                       loss_case_settings(loss, file.attribute_text(path, "settings"))});
    }
  }
  return cases;
}

inline double largest_size(const std::vector<double>& numbers) {
  double most = 0;
  for (const double x : numbers) most = std::max(most, std::abs(x));
  return most;
}

}  // namespace kindred::test
