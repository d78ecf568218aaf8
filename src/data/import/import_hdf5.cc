#include <fmt/format.h>

#include <algorithm>

#include "data/foreign/hdf5_finding.h"
#include "data/hdf5/hdf5_numbers.h"
#include "data/import/import_formats.h"
#include "data/import/import_names.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kReadTogether = 64;

/// Picture files in rows of bytes; a place is a row, counted through all data sets.
class ByteImages final : public ImportImages {
 public:
  ByteImages(std::string path, std::vector<std::pair<std::string, Index>> rows)
      : path_(std::move(path)), rows_(std::move(rows)) {}

  void visit(std::span<const Index> wanted,
             FunctionRef<bool(Index place, FileContent content)> take) const override {
    const Hdf5File file = Hdf5File::open(path_);
    std::vector<Index> places(wanted.begin(), wanted.end());
    std::sort(places.begin(), places.end());
    Index before = 0;  // rows of earlier data sets
    std::size_t next = 0;
    for (const auto& [name, count] : rows_) {
      for (; next < places.size() && places[next] < before + count;) {
        const Index first = places[next] - before;
        const Index some = std::min(kReadTogether, count - first);
        std::vector<std::vector<std::byte>> contents = file.read_bytes(name, first, some);
        for (; next < places.size() && places[next] - before < first + some; ++next) {
          FileContent content;
          content.bytes =
              std::move(contents[static_cast<std::size_t>(places[next] - before - first)]);
          if (!take(places[next], std::move(content))) return;
        }
      }
      before += count;
    }
  }
  Image decode(Index place, std::span<const std::byte> bytes, int bits) const override {
    return decode_image(bytes, where(place), bits);
  }
  std::string where(Index place) const override {
    auto rows = rows_.begin();
    for (; place >= rows->second; ++rows) place -= rows->second;
    return fmt::format("{}: /{} row {}", path_, rows->first, place);
  }

 private:
  std::string path_;
  std::vector<std::pair<std::string, Index>> rows_;
};

}  // namespace

bool detect_hdf5(const SourceFiles& files) {
  return files.files().size() == 1 && !files[0].path.empty() && is_hdf5_file(files[0].path);
}

// Data sets of bytes of variable length, each row a picture file, as h5py's writers of JPEGs make
// them; one a split, with labels beside, or one a class.
ImportPlan plan_hdf5(const SourceFiles& files, const ImportOptions& options) {
  if (!detect_hdf5(files)) {
    fail(ErrorKind::data,
         fmt::format("{}: one HDF5 file is expected", fmt::join(files.sources(), " ")));
  }
  const std::string& path = files[0].path;
  const Hdf5File file = Hdf5File::open(path);
  const Candidates all = list_candidates(file);
  ImportPlan plan;
  plan.source = names_of(files);
  std::vector<std::pair<std::string, Index>> rows;
  std::vector<LabelValues> labels;
  std::vector<std::string> classes;  // of rows that have no labels
  for (const Hdf5Candidate& c : all) {
    if (!c.problem.empty() || c.kind != Hdf5Kind::bytes || c.shape.size() != 1) continue;
    const Hdf5Candidate* const own =
        options.labels.empty() ? find_labels(file, all, c) : find_named(all, options.labels);
    const std::string class_name = own == nullptr ? class_in_path(c) : "";
    if (own != nullptr) {
      labels.push_back(read_label_values(file, own->name, c.shape[0]));
    }
    for (Index i = 0; i < c.shape[0]; ++i) {
      ImportItem item;
      item.path = fmt::format("{}#{:08}", c.name, i);
      item.place = static_cast<Index>(plan.items.size());
      item.split = static_cast<std::uint8_t>(std::max(c.split, 0));
      plan.items.push_back(std::move(item));
      if (own == nullptr) classes.push_back(class_name);
    }
    rows.emplace_back(c.name, c.shape[0]);
  }
  if (plan.items.empty()) {
    fail(
        ErrorKind::data,
        fmt::format("{}: holds no picture files (bytes of variable length); arrays of HDF5 need no "
                    "import: `kindred inspect {}` tells how they are read",
                    path, path));
  }
  const bool named = std::none_of(classes.begin(), classes.end(),
                                  [](const std::string& name) { return name.empty(); });
  if ((!labels.empty() && !classes.empty()) || !named) {
    fail(
        ErrorKind::data,
        fmt::format("{}: pictures have no labels beside them (labels or y, a row each); name them: "
                    "--labels NAME",
                    path));
  }
  if (labels.empty()) {
    labels.push_back({.where = path, .name = "labels", .texts = std::move(classes)});
  }
  set_labels(plan, std::move(labels), options);
  plan.images = std::make_unique<ByteImages>(path, std::move(rows));
  return plan;
}

}  // namespace kindred
