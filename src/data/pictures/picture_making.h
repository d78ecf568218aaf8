#pragma once
#include <string>
#include <vector>

#include "data/import/import_plan.h"
#include "kindred/data/picture_decoder.h"

namespace kindred {

/// Fails with data where the samples' shape is none of a picture.
void check_wishes(const PictureWishes& wishes);

/// Makes what is wished of a file's bytes; runs in a child process, where `wishes` lies since its
/// start. What is wrong with the picture stands in its error.
Picture make_picture(const PictureWishes* wishes, std::vector<std::byte> file, std::string where,
                     PictureRegion region);

/// The same of a place of a plan's images; `file` is empty where they read it themselves.
Picture make_picture_of(const PictureWishes* wishes, const ImportImages* images, Index place,
                        std::vector<std::byte> file, PictureRegion region);

}  // namespace kindred
