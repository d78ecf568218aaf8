#include "data/foreign/hdf5_fuel.h"

#include <fmt/format.h>

#include <array>

#include "data/text/split_names.h"
#include "kindred/core/error.h"

namespace kindred {

bool apply_fuel_splits(const Hdf5File& file, Hdf5Layout& layout) {
  if (layout.parts.size() != 1 || !file.has_attribute("", "split")) return false;
  const std::array<std::string, 2> texts{"split", "source"};
  const std::array<std::string, 2> numbers{"start", "stop"};
  const LayoutPart whole = layout.parts[0];
  std::vector<LayoutPart> parts;
  for (const Hdf5TableRow& row : file.attribute_table("", "split", texts, numbers)) {
    if (row.texts[1] != whole.images) continue;
    const std::int64_t start = row.numbers[0];
    const std::int64_t stop = row.numbers[1];
    if (start == stop) continue;
    const auto split = split_in_name(row.texts[0]);
    if (start < 0 || stop < start || stop > whole.count || !split) {
      fail(ErrorKind::data,
           fmt::format("{}: attribute 'split': '{}' is rows {} to {} of /{}, which has {}; train, "
                       "valid and test within them are expected",
                       file.path(), row.texts[0], start, stop, whole.images, whole.count));
    }
    LayoutPart part = whole;
    part.split = static_cast<Split>(*split);
    part.first = start;
    part.count = stop - start;
    parts.push_back(std::move(part));
  }
  if (parts.empty()) return false;
  layout.parts = std::move(parts);
  return true;
}

}  // namespace kindred
