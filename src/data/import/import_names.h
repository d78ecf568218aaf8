#pragma once
#include <string>

#include "data/archive/source_files.h"

namespace kindred {

/// "train" of data/train/ and of data/train.zip.
std::string source_stem(const SourceFiles& files, Index source);

/// "a.zip, b.zip": the sources without their folders.
std::string names_of(const SourceFiles& files);

/// The last part of a path.
std::string last_part(const std::string& name);

/// Why a file of that name is not taken for an image: "is a GIF, which is not read".
std::string why_no_image(const std::string& name);
/// "images of kinds that are not read: GIF 4, TIFF 3; ..." or "".
std::string unread_images(const SourceFiles& files);

}  // namespace kindred
