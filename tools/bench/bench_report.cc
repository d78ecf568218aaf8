#include "bench/bench_report.h"

#include <fmt/format.h>

#include "bench/bench_compare.h"
#include "bench/bench_numbers.h"

namespace kindred::tools {
namespace {

Json json_of(const BenchResult& result) {
  const double rate = result.rates.median();
  Json numbers = result.numbers;
  numbers["title"] = result.title;
  numbers[result.unit + "_per_second"] = rate;
  numbers[result.unit + "_per_second_all"] = result.rates.all;
  numbers["spread"] = result.rates.spread();
  if (result.unit_flops > 0) {
    numbers["gflops_per_second"] = rate * result.unit_flops * 1e-9;
    numbers["peak_gflops_per_second"] = result.peak * 1e-9;
    numbers["share_of_peak"] = rate * result.unit_flops / result.peak;
  }
  numbers["peak_memory_bytes"] = result.memory;
  return numbers;
}

/// One result lies at the top, several by name.
Json json_of(const std::string& benchmark, const Machine& machine,
             const std::vector<BenchResult>& results) {
  Json numbers = {{"benchmark", benchmark}, {"threads", machine.threads}};
  for (const BenchResult& result : results) {
    if (result.name == benchmark) {
      numbers.update(json_of(result));
    } else {
      numbers[result.name] = json_of(result);
    }
  }
  numbers["machine"] = json_of(machine);
  return numbers;
}

std::string line_of(const BenchResult& result) {
  const double flops = result.rates.median() * result.unit_flops;
  const std::string product =
      result.unit_flops > 0
          ? fmt::format("{:>10} {:>10.0f} %", grouped(flops * 1e-9), flops / result.peak * 100)
          : fmt::format("{:>10} {:>12}", "", "");
  return fmt::format("{:<46} {:>12} {:<9} {:>5.1f} % {} {:>7} MB\n", result.title,
                     grouped(result.rates.median()), result.unit + "/s",
                     result.rates.spread() * 100, product, grouped(result.memory * 1e-6));
}

std::string page(const Machine& machine, const std::vector<BenchResult>& results) {
  std::string text = describe(machine) + "\n";
  text += fmt::format("{:<46} {:>12} {:<9} {:>7} {:>10} {:>12} {:>10}\n",
                      fmt::format("(median of {})", results.front().rates.all.size()), "", "",
                      "spread", "GFLOP/s", "of product", "at most");
  for (const BenchResult& result : results) text += line_of(result) + result.details;
  return text;
}

}  // namespace

void report(const BenchOptions& options, const std::string& benchmark, const Machine& machine,
            const std::vector<BenchResult>& results, const std::optional<Json>& old) {
  Json numbers = json_of(benchmark, machine, results);
  std::string text = page(machine, results);
  if (old) text += compare(*old, options.compare, numbers);
  if (write_json(options, numbers)) fmt::print("{}", text);
}

}  // namespace kindred::tools
