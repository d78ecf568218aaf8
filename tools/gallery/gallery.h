#pragma once
#include <string>
#include <vector>

#include "command.h"
#include "kindred/data/picture_list.h"
#include "kindred/gallery/gallery.h"
#include "picture_arguments.h"

namespace kindred::tools {

/// What a command says of pictures that are read.
struct PictureOptions : PictureArguments {
  std::vector<std::string> pictures;  ///< as they were named
};

/// What of it a command that changes a gallery says.
struct GalleryOptions : CommonOptions {
  std::string gallery;
  double wait = 60;
};

struct AddOptions : GalleryOptions, PictureOptions {
  std::string name;
};

/// PICTURES..., --boxes, --landmarks, --strict.
void add_pictures_option(const Command& command, PictureOptions& options, const std::string& what);
/// The same of pictures that must be there, and --in, the gallery that they are looked up in.
void add_query_options(const Command& command, PictureOptions& options, std::string& gallery,
                       const std::string& what);
/// G, which the command reads or writes.
Option add_gallery_option(const Command& command, std::string& gallery);
void add_wait(const Command& command, GalleryOptions& options);
/// --name.
void add_name_option(const Command& command, AddOptions& options);

/// Reads the pictures, embeds them and adds them, block by block, and says what became of them.
/// Fails with data where none of them could be read.
void add_pictures(const AddOptions& options, PictureList list, PictureGallery& gallery);

/// Each adds one command to `kindred gallery`.
void add_gallery_new(const Command& gallery);
void add_gallery_add(const Command& gallery);
void add_gallery_remove(const Command& gallery);
void add_gallery_list(const Command& gallery);
void add_gallery_info(const Command& gallery);
void add_gallery_calibrate(const Command& gallery);

}  // namespace kindred::tools
