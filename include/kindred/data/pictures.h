#pragma once
#include <span>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/parallel.h"
#include "kindred/data/dataset.h"

namespace KINDRED_API kindred {

struct PictureOptions {
  Index largest_side = 48;            ///< pixels; larger pictures are made smaller
  Index most_bytes = Index{9} << 20;  ///< of all sheets; samples beyond have no picture
  int jpeg_quality = 0;               ///< of pictures of three channels, 1 to 100; 0: PNG as others
  Index per_sheet = 1024;             ///< pictures a sheet
};

/// Small pictures of samples: picture i is cell i of the sheets, row by row, `columns` a row,
/// `per_sheet` a sheet.
struct PictureSheets {
  Index width = 0, height = 0;  ///< of a cell, pixels
  Index columns = 0, per_sheet = 0;
  Index count = 0;                  ///< samples with a picture: the first so many
  bool ink = false;                 ///< one channel, mostly black: writing rather than a photograph
  std::vector<std::string> sheets;  ///< whole PNG or JPEG files
};

/// None where the data set holds vectors, or images of other than 1 or 3 channels. The same bytes
/// for any number of threads.
PictureSheets picture_sheets(const Workers& workers, const Dataset& dataset,
                             std::span<const Index> samples, const PictureOptions& options = {});

}  // namespace kindred
