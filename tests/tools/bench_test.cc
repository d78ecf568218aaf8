// `kindred bench`: every benchmark with tiny settings; figures are there, never judged.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "support/small_data.h"
#include "tools/program.h"

namespace kindred {
namespace {

using Json = nlohmann::json;
using test::contains;
using test::kindred;
using test::Outcome;
using test::TempFolder;

constexpr const char* kTiny = " --repeats 1 --threads 2 ";

void write(const std::string& path, const Json& numbers) { std::ofstream(path) << numbers; }

class Bench : public testing::Test {
 protected:
  Outcome bench(const std::string& arguments) const {
    return kindred("bench " + arguments + kTiny);
  }
  /// Runs it with --json FILE; the page is left in `page`.
  Json numbers_of(const std::string& arguments) {
    const std::string file = folder_ / "numbers.json";
    const Outcome outcome = bench(arguments + " --json " + file);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    page_ = outcome.out;
    return Json::parse(test::text_of(file), nullptr, false);
  }
  void expect_figures(const Json& numbers, const std::vector<const char*>& names) const {
    for (const char* name : names) {
      ASSERT_TRUE(numbers.contains(name)) << name << " in " << numbers.dump(2);
      EXPECT_GT(numbers[name].get<double>(), 0) << name;
    }
  }
  void expect_on_page(const std::vector<const char*>& parts) const {
    for (const char* part : parts) EXPECT_TRUE(contains(page_, part)) << part << "\n" << page_;
  }

  TempFolder folder_;
  std::string page_;
};

TEST_F(Bench, PutsEverythingOnOnePage) {
  const Json numbers = numbers_of(
      "all --steps 1 --architecture mlp --set model.hidden=[16] --vectors 200 --dimension 8 --k 3");
  EXPECT_EQ(numbers["benchmark"], "all");
  expect_figures(numbers["machine"], {"cores", "threads", "float32_product_gflops_per_second",
                                      "memory_gigabytes_per_second"});
  for (const char* text :
       {"cpu", "instruction_set", "kindred", "build", "compiler", "onednn", "tbb", "hdf5"}) {
    EXPECT_FALSE(numbers["machine"][text].get<std::string>().empty()) << text;
  }
  for (const char* name : {"train_float32", "infer_float32", "load", "load_augmented"}) {
    ASSERT_TRUE(numbers.contains(name)) << name;
    expect_figures(numbers[name], {"images_per_second", "peak_memory_bytes"});
  }
  expect_figures(numbers["search"], {"queries_per_second", "gflops_per_second", "share_of_peak"});
  EXPECT_EQ(numbers["search"]["vectors"], 200);
  EXPECT_EQ(numbers["load"]["streamed"], false);
  expect_on_page({"oneDNN", "oneTBB", "HDF5", "GFLOP/s in float32", "GB/s", "training mlp 28x28x1",
                  "inference mlp", "exact search, 200 x 8", "reading 28x28x1 from memory",
                  "every augmentation", "images/s", "queries/s", "MB"});
}

TEST_F(Bench, ShowsTheLayersAndSweeps) {
  const Json numbers = numbers_of(
      "train --steps 1 --architecture resnet --size 16 --channels 1 --set model.widths=[8,16] "
      "--profile --threads-sweep --sweep slice");
  expect_figures(numbers, {"threads", "batch", "images_per_second", "gflops_per_second",
                           "peak_gflops_per_second", "share_of_peak", "peak_memory_bytes"});
  EXPECT_EQ(numbers["precision"], "float32");
  EXPECT_EQ(numbers["images_per_second_all"].size(), 1U);
  for (const char* part :
       {"wait_for_data", "forward", "loss", "backward", "reduce", "update", "pack"}) {
    EXPECT_TRUE(numbers["shares"].contains(part)) << part;
  }
  const Json& layers = numbers["profile"]["layers"];
  expect_figures(layers["stages.1.0.convolution1"],
                 {"forward_ms", "backward_data_ms", "backward_weights_ms", "gflops_per_second",
                  "share_of_peak"});
  expect_figures(layers["stem.norm"], {"forward_ms", "backward_data_ms", "gigabytes_per_second"});
  EXPECT_TRUE(contains(layers["stem.convolution"]["implementation"], ":"));
  for (const char* part : {"waiting for data", "augmentation and scaling", "loss", "reduction",
                           "optimizer", "packing", "waiting for the other threads"}) {
    EXPECT_TRUE(numbers["profile"]["outside"].contains(part)) << part;
  }
  expect_figures(numbers["threads_sweep"]["2"],
                 {"images_per_second", "speed_up", "efficiency", "product_speed_up"});
  EXPECT_EQ(numbers["threads_sweep"]["1"]["efficiency"], 1.0);
  EXPECT_TRUE(numbers["slice_sweep"].contains("8"));
  EXPECT_TRUE(numbers["slice_sweep"].contains("128"));
  EXPECT_TRUE(numbers["slice_sweep"].contains(numbers["recommended_slice"].dump()));
  expect_on_page({"resnet 16x16x1, float32", "stages.1.0.shortcut.convolution",
                  "outside the layers", "efficiency", "gives other bits"});
}

TEST_F(Bench, TimesTheLayersOfInference) {
  test::write_small_data(folder_ / "data.h5", {.classes = 40, .side = 16});
  const Json numbers =
      numbers_of("infer --steps 1 --profile --threads-sweep --data " + (folder_ / "data.h5"));
  expect_figures(numbers, {"images_per_second", "share_of_peak"});
  const Json& layer = numbers["profile"]["layers"]["blocks.1.convolution"];
  expect_figures(layer, {"forward_ms", "gflops_per_second"});
  EXPECT_EQ(layer["backward_weights_ms"], 0);
  EXPECT_TRUE(numbers["profile"]["outside"].contains("reading"));
  EXPECT_TRUE(numbers["threads_sweep"].contains("2"));
}

TEST_F(Bench, ReadsFromTheFileWhereMemoryIsLittle) {
  test::write_small_data(folder_ / "data.h5",
                         {.classes = 100, .samples_per_class = 100, .side = 48});
  const Json numbers =
      numbers_of("load --steps 2 --set data.memory=16MiB --data " + (folder_ / "data.h5"));
  EXPECT_EQ(numbers["streamed"], true);
  expect_figures(numbers, {"images_per_second"});
  expect_on_page({"from the file (streamed)"});
}

TEST_F(Bench, SetsItselfAgainstAnEarlierRun) {
  const std::string search = "search --vectors 300 --dimension 16 --k 5";
  const std::string old = folder_ / "old.json";
  Json numbers = numbers_of(search);
  numbers["gone"] = 5;
  numbers["k"] = 6;
  numbers.erase("spread");
  write(old, numbers);
  const Json compared = numbers_of(search + " --compare " + old);
  expect_figures(compared["ratios"], {"queries_per_second", "machine.memory_gigabytes_per_second"});
  expect_on_page({"against ", "queries_per_second", "ratio", "k: 5, was 6", "old.json: spread",
                  "alone: gone"});
  const auto figure = [](const Json& of) { return of["queries_per_second"].get<double>(); };
  EXPECT_NEAR(compared["ratios"]["queries_per_second"].get<double>(),
              figure(compared) / figure(numbers), 1e-9);
}

TEST_F(Bench, RefusesToCompareWithWhatItDidNotWrite) {
  const std::string old = folder_ / "old.json";
  const auto expect = [&](int code, const std::string& part) {
    const Outcome outcome = bench("load --steps 1 --compare " + old);
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "old.json: ")) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, part)) << outcome.err;
  };
  expect(66, "");
  std::ofstream(old) << "images_per_second: 5\n";
  expect(65, "found no JSON");
  write(old, {{"images_per_second", 5}});
  expect(65, "found other JSON");
  write(old, {{"benchmark", "search"}, {"queries_per_second", 5}});
  expect(65, "it is of `kindred bench search`");
}

TEST_F(Bench, RefusesWhatMakesNoSense) {
  test::write_small_data(folder_ / "data.h5");
  EXPECT_EQ(bench("train --sweep batch").code, 64);
  EXPECT_EQ(bench("train --architecture transformer").code, 64);
  EXPECT_EQ(bench("load --size 28 --data " + (folder_ / "data.h5")).code, 64);
  EXPECT_EQ(bench("search --vectors 5 --k 5").code, 64);
  EXPECT_EQ(bench("train --data " + (folder_ / "missing.h5")).code, 66);
  EXPECT_EQ(bench("train --set model.widht=3").code, 78);
}

}  // namespace
}  // namespace kindred
