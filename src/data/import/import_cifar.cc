#include <fmt/format.h>

#include <algorithm>

#include "data/import/image_arrays.h"
#include "data/import/import_formats.h"
#include "data/import/import_names.h"
#include "data/text/split_names.h"
#include "data/text/text_encoding.h"
#include "data/text/text_lines.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kMostCifarBytes = Index{1} << 30;
constexpr Shape kShape{.channels = 3, .height = 32, .width = 32};

bool is_ten(const std::string& name) {
  return (name.starts_with("data_batch_") || name == "test_batch.bin") && name.ends_with(".bin");
}
bool is_hundred(const std::string& name) { return name == "train.bin" || name == "test.bin"; }
bool is_pickle(const std::string& name) { return name == "data_batch_1" || name == "test_batch"; }

std::vector<std::string> read_class_names(const SourceFiles& files, Index place) {
  const std::string text = decode_text(files.content(place)).text;
  std::vector<std::string> names;
  for (const TextLine& line : lines_of(text)) names.emplace_back(line.text);
  return names;
}

}  // namespace

bool detect_cifar(const SourceFiles& files) {
  return count_images(files) == 0 &&
         std::any_of(files.files().begin(), files.files().end(), [](const SourceFile& file) {
           const std::string name = last_part(file.name);
           return is_ten(name) || is_hundred(name) || is_pickle(name);
         });
}

// The binary version: records of 1 byte label (CIFAR-100: coarse, fine) and 3 x 32 x 32 bytes.
ImportPlan plan_cifar(const SourceFiles& files, const ImportOptions& /*options*/) {
  ImportPlan plan;
  plan.source = names_of(files);
  plan.numbered = true;
  std::vector<ImageArray> arrays;
  Index place = 0;
  for (Index i = 0; i < static_cast<Index>(files.files().size()); ++i) {
    const std::string name = last_part(files[i].name);
    if (is_pickle(name)) {
      fail(ErrorKind::data,
           fmt::format("{}: is of CIFAR's Python version (pickle), which is not read; take the "
                       "binary version",
                       files[i].where));
    }
    if (name == "batches.meta.txt" || name == "fine_label_names.txt") {
      plan.class_names = read_class_names(files, i);
      continue;
    }
    if (!is_ten(name) && !is_hundred(name)) {
      plan.left_out.push_back(fmt::format("{}: is no batch of CIFAR", files[i].where));
      continue;
    }
    const Index labels = is_hundred(name) ? 2 : 1;
    ImageArray array{.where = files[i].where,
                     .bytes = files.content(i, kMostCifarBytes),
                     .record_bytes = labels + kShape.size(),
                     .offset = labels,
                     .shape = kShape,
                     .planar = true};
    const auto held = static_cast<Index>(array.bytes.size());
    array.count = held / array.record_bytes;
    if (array.count == 0 || held % array.record_bytes != 0) {
      fail(ErrorKind::data,
           fmt::format("{}: has {} bytes, which are not whole records of {}; it is damaged or cut "
                       "short",
                       array.where, held, array.record_bytes));
    }
    for (Index record = 0; record < array.count; ++record) {
      ImportItem item;
      item.path = fmt::format("{}#{:08}", name, record);
      item.label = std::to_integer<std::int64_t>(
          array.bytes[static_cast<std::size_t>(record * array.record_bytes + labels - 1)]);
      item.place = place++;
      item.split = split_in_name(name).value_or(0);
      plan.items.push_back(std::move(item));
    }
    arrays.push_back(std::move(array));
  }
  if (plan.items.empty()) {
    fail(ErrorKind::data, fmt::format("{}: holds no data_batch_N.bin, train.bin or test.bin of "
                                      "CIFAR's binary version",
                                      fmt::join(files.sources(), " ")));
  }
  plan.images = images_in_arrays(std::move(arrays));
  return plan;
}

}  // namespace kindred
