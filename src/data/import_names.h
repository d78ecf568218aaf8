#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "data/source_files.h"

namespace kindred {

/// The split that a folder or a column calls "train", "val", "test" or the like; any case.
std::optional<std::uint8_t> split_named(const std::string& name);
/// The split a name has in it: "t10k-images", "x_test".
std::optional<std::uint8_t> split_in_name(const std::string& name);

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
