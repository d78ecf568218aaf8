#include "kindred/data/picture_regions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "data/text/list_columns.h"
#include "data/text/list_text.h"
#include "data/text/path_index.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

constexpr double kMostPixels = 1e6;
constexpr Index kLongestRegions = Index{1} << 32;  // bytes

using Numbers = std::vector<double>;

// Where the numbers of a box stand, by the names in a header.
struct BoxColumns {
  std::array<int, 4> at{-1, -1, -1, -1};
  bool corners = false;  // the last two are those of the lower right one
  bool found() const {
    return std::ranges::all_of(at, [](int column) { return column >= 0; });
  }
};

BoxColumns columns_named(const ListRow& header) {
  using Words = std::array<std::string_view, 4>;
  constexpr Words kLeft{"x", "left", "xmin", "x1"};
  constexpr Words kTop{"y", "top", "ymin", "y1"};
  constexpr Words kWidth{"w", "width", "boxwidth", "bboxwidth"};
  constexpr Words kHeight{"h", "height", "boxheight", "bboxheight"};
  constexpr Words kRight{"xmax", "right", "x2", "xend"};
  constexpr Words kBottom{"ymax", "bottom", "y2", "yend"};
  const auto find = [&](const Words& words) { return find_column(header.fields, words); };
  BoxColumns columns;
  columns.at = {find(kLeft), find(kTop), find(kWidth), find(kHeight)};
  if (columns.found()) return columns;
  columns.corners = true;
  columns.at = {find(kLeft), find(kTop), find(kRight), find(kBottom)};
  return columns;
}

/// The list's rows: a path, which is the one field that is no number, and numbers.
class RegionRows {
 public:
  RegionRows(const std::string& path, std::size_t numbers)
      : list_(read_file(path, kLongestRegions), path), numbers_(numbers) {
    if (list_.size() == 0) fail(ErrorKind::data, fmt::format("{}: names no pictures", path));
    const ListRow first = list_[0];
    list_.expect_all_fields(first);
    has_header_ = std::ranges::none_of(
        first.fields, [](std::string_view field) { return real_value(field).has_value(); });
    if (has_header_ && list_.size() < 2) {
      fail(ErrorKind::data, fmt::format("{}: has a header, and no pictures below it", path));
    }
    find_path_column(list_[has_header_ ? 1 : 0]);
  }

  std::optional<ListRow> header() const {
    return has_header_ ? std::optional(list_[0]) : std::nullopt;
  }
  std::size_t size() const { return list_.size() - first(); }
  ListRow operator[](std::size_t row) const { return list_[row + first()]; }
  std::string path_of(const ListRow& row) const { return std::string(row[path_column_]); }
  [[noreturn]] void refuse(const ListRow& row, const std::string& why) const {
    list_.refuse(row, why);
  }

  /// In the order of `columns`, or all beside the path.
  Numbers numbers_of(const ListRow& row, std::span<const int> columns) const {
    list_.expect_all_fields(row);
    Numbers numbers;
    const auto add = [&](std::size_t column) {
      const auto number = real_value(row[column]);
      if (!number || !(std::abs(*number) <= kMostPixels)) {
        refuse(row, fmt::format("'{}' is no place in a picture", row[column]));
      }
      numbers.push_back(*number);
    };
    for (const int column : columns) add(static_cast<std::size_t>(column));
    for (std::size_t i = 0; columns.empty() && i < row.fields.size(); ++i) {
      if (i != path_column_) add(i);
    }
    if (numbers.size() != numbers_) {
      refuse(row, fmt::format("gives {} numbers beside the path; {} are expected", numbers.size(),
                              numbers_));
    }
    return numbers;
  }

 private:
  std::size_t first() const { return has_header_ ? 1 : 0; }
  void find_path_column(const ListRow& row) {
    for (std::size_t i = 0; i < row.fields.size(); ++i) {
      if (real_value(row[i])) continue;
      path_column_ = i;
      return;
    }
    list_.refuse(row, "names no picture: a path and numbers are expected");
  }

  ListText list_;
  std::size_t numbers_;
  std::size_t path_column_ = 0;
  bool has_header_ = false;
};

}  // namespace

struct KINDRED_HIDDEN PictureRegions::Impl {
  std::string source;
  std::vector<std::string> paths;
  std::vector<PictureRegion> regions;
  std::optional<PathIndex> index;
};

PictureRegions::PictureRegions(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& path : impl_->paths) {
    if (seen.insert(path).second) continue;
    fail(ErrorKind::data,
         fmt::format("{}: '{}' comes twice; one line a picture is expected", impl_->source, path));
  }
  impl_->index.emplace(impl_->paths);
}
PictureRegions::PictureRegions(PictureRegions&&) noexcept = default;
PictureRegions& PictureRegions::operator=(PictureRegions&&) noexcept = default;
PictureRegions::~PictureRegions() = default;

const std::string& PictureRegions::source() const { return impl_->source; }
Index PictureRegions::size() const { return static_cast<Index>(impl_->paths.size()); }

std::optional<PictureRegion> PictureRegions::find(const std::string& path) {
  const Index place = impl_->index->find(path);
  if (place < 0) return std::nullopt;
  return impl_->regions[static_cast<std::size_t>(place)];
}

PictureRegions PictureRegions::read_boxes(const std::string& path) {
  const RegionRows rows(path, 4);
  const BoxColumns named = rows.header() ? columns_named(*rows.header()) : BoxColumns{};
  auto impl = std::make_unique<Impl>();
  impl->source = path;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const ListRow row = rows[i];
    Numbers box = rows.numbers_of(
        row, named.found() ? std::span<const int>(named.at) : std::span<const int>());
    if (named.found() && named.corners) {
      box[2] -= box[0];
      box[3] -= box[1];
    }
    if (!(box[2] > 0 && box[3] > 0)) {
      rows.refuse(row, fmt::format("is a box {} wide and {} high", box[2], box[3]));
    }
    impl->paths.push_back(rows.path_of(row));
    impl->regions.push_back({PictureBox{box[0], box[1], box[2], box[3]}, std::nullopt});
  }
  return PictureRegions(std::move(impl));
}

PictureRegions PictureRegions::read_landmarks(const std::string& path) {
  const RegionRows rows(path, 10);
  auto impl = std::make_unique<Impl>();
  impl->source = path;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Numbers at = rows.numbers_of(rows[i], {});
    FiveLandmarks points;
    for (std::size_t k = 0; k < points.size(); ++k) points[k] = {at[2 * k], at[2 * k + 1]};
    if (!estimate_similarity(points, kFaceTemplate)) {
      rows.refuse(rows[i], "its five points tell of no face: they fall together");
    }
    impl->paths.push_back(rows.path_of(rows[i]));
    impl->regions.push_back({std::nullopt, points});
  }
  return PictureRegions(std::move(impl));
}

}  // namespace kindred
