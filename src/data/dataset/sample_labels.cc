#include "data/dataset/sample_labels.h"

#include <fmt/format.h>

#include "data/hdf5/hdf5_numbers.h"
#include "kindred/core/error.h"

namespace kindred {

ClassLabels read_sample_labels(const Hdf5Layout& layout, NegativeLabels negative) {
  LabelReader labels(negative, layout.label_column);
  for (const LayoutPart& part : layout.parts) {
    if (!part.class_name.empty()) {
      labels.add({.where = layout.parts[0].file,
                  .texts = std::vector<std::string>(static_cast<std::size_t>(part.count),
                                                    part.class_name)});
      continue;
    }
    if (part.labels.empty()) return {};
    const Hdf5File file = Hdf5File::open(part.labels_file);
    LabelValues values = read_label_values(file, part.labels, part.rows);
    labels.add(part.count == part.rows ? std::move(values) : values.of(part.first, part.count));
  }
  if (layout.class_names.empty()) return labels.finish();
  return labels.finish(Hdf5File::open(layout.parts[0].file).read_strings(layout.class_names));
}

}  // namespace kindred
