#include "kindred/eval/registry.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "kindred/eval/retrieval.h"
#include "kindred/eval/verification.h"
#include "naive_ranking.h"

namespace kindred {
namespace {

TEST(MetricRegistry, ListsWhatRetrievalGives) {
  std::set<std::string> listed;
  for (const MetricEntry& entry : metric_registry()) {
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
    EXPECT_TRUE(listed.insert(std::string(entry.name)).second) << entry.name << " twice";
  }
  const Matrix rows = testing_rows::uniform(4, 2, 1);
  const std::vector<std::int64_t> labels = {1, 1, 2, 2};
  for (const MetricValue& metric :
       evaluate_retrieval(Workers(1), rows, labels, rows, labels, {}).metrics) {
    std::string name = metric.name;
    const auto number = name.find_first_of("0123456789");
    if (number != std::string::npos) name = name.substr(0, number) + "k";
    EXPECT_TRUE(listed.count(name)) << name;
  }
  for (const MetricValue& metric :
       evaluate_verification(std::vector<double>{1, 2, 3, 4}, std::vector<std::uint8_t>{0, 1, 0, 1},
                             std::vector<std::int64_t>{0, 0, 1, 1}, {{0.5}})
           .metrics) {
    const std::string name = metric.name.substr(0, metric.name.find('='));
    EXPECT_TRUE(listed.count(name == metric.name ? name : name + "=f")) << metric.name;
  }
}

}  // namespace
}  // namespace kindred
