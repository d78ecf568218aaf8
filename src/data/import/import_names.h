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
/// How many files there are of which kind, for messages: "12 pictures in no folder, 3 encrypted".
std::string what_is_there(const SourceFiles& files);
/// "3 is encrypted, 1 is a link": left-out files ("WHERE: REASON") counted by their reasons.
std::string counts_of_reasons(const std::vector<std::string>& left_out);
/// Whether nearly all images among the sources, nine of ten, are as `fits` says; false of none.
bool nearly_all_images(const SourceFiles& files, FunctionRef<bool(const SourceFile& file)> fits);
/// Images among the sources, by their names.
Index count_images(const SourceFiles& files);

/// "images of kinds that are not read: GIF 4, TIFF 3; ..." or "".
std::string unread_images(const SourceFiles& files);

}  // namespace kindred
