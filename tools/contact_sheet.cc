#include "contact_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/data/pictures.h"

namespace kindred::tools {
namespace {

constexpr Index kRows = 12;
constexpr Index kColumns = 12;

// `count` of `total` things, evenly from the first to the last.
Index spread(Index i, Index count, Index total) {
  return count <= 1 ? 0 : i * (total - 1) / (count - 1);
}

std::vector<Index> without_labels(const Dataset& dataset) {
  std::vector<Index> chosen;
  const Index count = std::min(dataset.size(), kRows * kColumns);
  for (Index i = 0; i < count; ++i) chosen.push_back(spread(i, count, dataset.size()));
  return chosen;
}

// Rows of kColumns; classes with fewer samples show some of them again.
std::vector<Index> by_class(const Dataset& dataset) {
  std::map<std::int64_t, std::vector<Index>> classes;
  for (Index i = 0; i < dataset.size(); ++i) {
    classes[dataset.labels()[static_cast<std::size_t>(i)]].push_back(i);
  }
  std::vector<const std::vector<Index>*> all;
  for (const auto& [label, samples] : classes) all.push_back(&samples);
  const auto total = static_cast<Index>(all.size());
  const Index rows = std::min(total, kRows);
  std::vector<Index> chosen;
  for (Index row = 0; row < rows; ++row) {
    const std::vector<Index>& samples = *all[static_cast<std::size_t>(spread(row, rows, total))];
    for (Index i = 0; i < kColumns; ++i) {
      chosen.push_back(samples[static_cast<std::size_t>(i) % samples.size()]);
    }
  }
  return chosen;
}

}  // namespace

void write_contact_sheet(const Dataset& dataset, const std::string& path, const Workers& workers) {
  const PictureSheets pictures = picture_sheets(
      workers, dataset, dataset.has_labels() ? by_class(dataset) : without_labels(dataset),
      {.largest_side = 64, .per_sheet = kRows * kColumns});
  if (pictures.sheets.empty()) {
    fail(ErrorKind::data,
         fmt::format("{}: holds no pictures of 1 or 3 channels to show", dataset.path()));
  }
  write_file_durably(path, pictures.sheets[0]);
}

}  // namespace kindred::tools
