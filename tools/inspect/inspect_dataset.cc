#include "inspect/inspect_dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "kindred/core/error.h"
#include "kindred/data/hdf5_file.h"

namespace kindred::tools {
namespace {

constexpr Index kReadAtOnce = 256;
constexpr Index kBatch = 128;
constexpr Index kSlice = 16;

std::map<std::int64_t, Index> count_classes(std::span<const std::int64_t> labels) {
  std::map<std::int64_t, Index> counts;
  for (const std::int64_t label : labels) ++counts[label];
  return counts;
}

std::string describe(const Hdf5File& file, const std::string& name) {
  try {
    const Hdf5Dataset data = file.dataset(name);
    const char* kind = data.kind() == Hdf5Kind::integer   ? (data.is_signed() ? "int" : "uint")
                       : data.kind() == Hdf5Kind::real    ? "float"
                       : data.kind() == Hdf5Kind::text    ? "text"
                       : data.kind() == Hdf5Kind::bytes   ? "bytes of variable length"
                       : data.kind() == Hdf5Kind::records ? "records"
                                                          : "other";
    const bool number = data.kind() == Hdf5Kind::integer || data.kind() == Hdf5Kind::real;
    std::string text =
        fmt::format("{}{} [{}]", kind, number ? std::to_string(8 * data.element_bytes()) : "",
                    fmt::join(data.shape(), ", "));
    if (!data.chunk().empty()) text += fmt::format(", chunks [{}]", fmt::join(data.chunk(), ", "));
    if (data.compressed()) text += ", packed";
    return text;
  } catch (const Error& error) {
    return error.what();
  }
}

// Least, largest, mean and standard deviation of all values.
Json values_of(const Dataset& dataset) {
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  double sum = 0;
  double squares = 0;
  const auto add = [&](double value) {
    least = std::min(least, value);
    most = std::max(most, value);
    sum += value;
    squares += value * value;
  };
  std::vector<std::byte> bytes(static_cast<std::size_t>(kReadAtOnce * dataset.sample_bytes()));
  std::vector<Index> samples;
  for (Index first = 0; first < dataset.size(); first += kReadAtOnce) {
    samples.clear();
    for (Index i = first; i < std::min(first + kReadAtOnce, dataset.size()); ++i) {
      samples.push_back(i);
    }
    dataset.read(samples, bytes.data());
    const auto count = samples.size() * static_cast<std::size_t>(dataset.shape().size());
    for (std::size_t i = 0; i < count; ++i) {
      add(dataset.element() == Element::u8 ? static_cast<double>(bytes[i])
                                           : reinterpret_cast<const float*>(bytes.data())[i]);
    }
  }
  const auto count = static_cast<double>(dataset.size() * dataset.shape().size());
  const double mean = sum / count;
  return {{"least", least},
          {"most", most},
          {"mean", mean},
          {"deviation", std::sqrt(std::max(0.0, squares / count - mean * mean))}};
}

// Classes by their number of samples: 1, 2-3, 4-7, 8-15, ...
Json class_histogram(std::span<const std::int64_t> labels) {
  std::map<Index, Index> bins;  // by the least of a bin
  for (const auto& [label, count] : count_classes(labels)) {
    Index least = 1;
    while (2 * least <= count) least *= 2;
    ++bins[least];
  }
  Json histogram = Json::array();
  for (const auto& [least, classes] : bins) {
    histogram.push_back({{"from", least}, {"to", 2 * least - 1}, {"classes", classes}});
  }
  return histogram;
}

Index power_below(Index limit) {
  Index power = 1;
  while (2 * power <= limit) power *= 2;
  return power;
}

// A recipe of two or three lines that trains on it with what has no default for it.
std::string recipe_for(const std::string& path, const Dataset& dataset, const DatasetNames& names) {
  if (!dataset.has_labels()) return "";
  std::vector<std::int64_t> labels;
  for (const Index i : dataset.samples_of(Split::train)) {
    labels.push_back(dataset.labels()[static_cast<std::size_t>(i)]);
  }
  constexpr Index kSamples = 4;
  constexpr Index kClasses = 32;
  Index classes = 0;  // with enough samples
  Index fewest = std::numeric_limits<Index>::max();
  bool small = false;
  for (const auto& [label, count] : count_classes(labels)) {
    small = small || count < kSamples;
    if (count < kSamples) continue;
    ++classes;
    fewest = std::min(fewest, count);
  }
  if (classes < 2) return "";
  std::string data = fmt::format("data = {{ file = \"{}\"", path);
  if (!names.images.empty()) data += fmt::format(", images = \"{}\"", names.images);
  if (!names.labels.empty()) data += fmt::format(", labels = \"{}\"", names.labels);
  if (!names.layout.empty()) data += fmt::format(", layout = \"{}\"", names.layout);
  if (!names.negative_labels.empty()) {
    data += fmt::format(", negative_labels = \"{}\"", names.negative_labels);
  }
  if (small) data += fmt::format(", min_class_size = {}", kSamples);
  std::string recipe = data + " }\n";
  std::string model = dataset.element() == Element::f32 ? "architecture = \"mlp\"" : "";
  if (classes < kClasses) {
    const Index per_batch = power_below(classes);
    const Index each = power_below(std::min(fewest, kBatch / per_batch));
    recipe +=
        fmt::format("sampler = {{ classes = {}, samples_per_class = {} }}\n", per_batch, each);
    if (per_batch * each < kSlice) {
      model += fmt::format("{}slice = {}", model.empty() ? "" : ", ", per_batch * each);
    }
  }
  if (!model.empty()) recipe += fmt::format("model = {{ {} }}\n", model);
  return recipe + "loss = [{ name = \"softmax\" }]\n";
}

}  // namespace

Json class_sizes(std::span<const std::int64_t> labels) {
  std::vector<Index> sizes;
  for (const auto& [label, count] : count_classes(labels)) sizes.push_back(count);
  std::sort(sizes.begin(), sizes.end());
  if (sizes.empty()) return {};
  return {{"classes", sizes.size()},
          {"fewest", sizes.front()},
          {"median", sizes[sizes.size() / 2]},
          {"most", sizes.back()}};
}

Json structure_of(const std::string& path) {
  const Hdf5File file = Hdf5File::open(path);
  Json found = Json::object();
  for (const std::string& name : file.datasets()) found["/" + name] = describe(file, name);
  return found;
}

Json inspect_dataset(const std::string& path, const DatasetNames& names) {
  const Dataset dataset = Dataset::open(path, 0, names);
  Json found;
  found["kind"] = "data set";
  if (!dataset.layout().empty()) found["read as"] = dataset.layout();
  if (!dataset.notes().empty()) found["notes"] = dataset.notes();
  found["samples"] = dataset.size();
  const Shape& shape = dataset.shape();
  found["sample"] = fmt::format("{} x {} x {} {}", shape.height, shape.width, shape.channels,
                                dataset.element() == Element::u8 ? "bytes" : "floats");
  for (const auto& [name, split] : {std::pair{"train", Split::train},
                                    {"validation", Split::validation},
                                    {"test", Split::test}}) {
    const std::vector<Index> samples = dataset.samples_of(split);
    if (samples.empty()) continue;
    std::vector<std::int64_t> labels;
    for (const Index sample : samples) {
      if (dataset.has_labels())
        labels.push_back(dataset.labels()[static_cast<std::size_t>(sample)]);
    }
    found[name] = {{"samples", samples.size()}, {"class sizes", class_sizes(labels)}};
  }
  if (!dataset.targets().empty()) found["targets"] = dataset.targets().cols();
  found["values"] = values_of(dataset);
  if (dataset.has_labels()) found["class histogram"] = class_histogram(dataset.labels());
  if (path.find(":/") != path.npos || is_hdf5_file(path)) found["structure"] = structure_of(path);
  const std::string recipe = recipe_for(path, dataset, names);
  if (!recipe.empty()) {
    found["recipe"] = recipe;
    found["command"] = "kindred train my.toml";
  }
  return found;
}

std::string class_histogram_text(const Json& histogram) {
  constexpr Index kWidth = 40;
  Index most = 1;
  for (const Json& bin : histogram) most = std::max(most, bin["classes"].get<Index>());
  std::string text;
  for (const Json& bin : histogram) {
    const auto classes = bin["classes"].get<Index>();
    text += fmt::format(
        "    {:>6} to {:<6} {:>7}  {}\n", bin["from"].get<Index>(), bin["to"].get<Index>(), classes,
        std::string(static_cast<std::size_t>(blocks_of(kWidth * classes, most)), '#'));
  }
  return text;
}

}  // namespace kindred::tools
