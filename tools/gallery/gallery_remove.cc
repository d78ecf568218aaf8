#include <fmt/format.h>

#include "gallery/gallery.h"
#include "kindred/core/error.h"
#include "kindred/core/text.h"

namespace kindred::tools {
namespace {

struct RemoveOptions : GalleryOptions {
  std::string picture;
  std::string identity;
  std::vector<Index> ids;
};

std::vector<Index> ids_of(const RemoveOptions& options, const PictureGallery& gallery) {
  if (!options.picture.empty()) return gallery.ids_of_path(options.picture);
  if (!options.identity.empty()) return gallery.ids_of_identity(options.identity);
  std::vector<Index> ids;
  for (const GalleryPicture& picture : gallery.pictures(options.ids)) ids.push_back(picture.id);
  return ids;
}

std::string what_of(const RemoveOptions& options) {
  if (!options.picture.empty()) return "picture of the path " + options.picture;
  if (!options.identity.empty()) return "picture of " + options.identity;
  return "picture of these ids";
}

void remove(const RemoveOptions& options) {
  if (options.picture.empty() && options.identity.empty() && options.ids.empty()) {
    fail(ErrorKind::usage,
         "gallery remove: say what goes: --picture PATH, --identity NAME or --id N");
  }
  PictureGallery gallery(options.gallery, GalleryAccess::write, options.wait);
  const std::vector<Index> ids = ids_of(options, gallery);
  // What is asked for may have gone before, all but its bytes: opening finished that.
  if (ids.empty() && !gallery.finished_remove()) {
    fail(ErrorKind::no_input,
         fmt::format("{}: there is no {}; `kindred gallery list` shows what there is",
                     options.gallery, what_of(options)));
  }
  const Index removed = ids.empty() ? 0 : gallery.remove(ids);
  const Index left = gallery.size();
  const Json numbers = {{"gallery", options.gallery},
                        {"removed", removed},
                        {"pictures", left},
                        {"finished_earlier", gallery.finished_remove()}};
  if (!write_json(options, numbers) || options.quiet) return;
  if (ids.empty()) {
    fmt::print(
        "{}: nothing of that name is left, and now none of its bytes: the file was cleaned\n",
        printable(options.gallery));
    return;
  }
  fmt::print("{}: {} removed, {} left; nothing of what was removed is in the file any more\n",
             printable(options.gallery), removed, left);
}

}  // namespace

void add_gallery_remove(const Command& gallery) {
  auto options = std::make_shared<RemoveOptions>();
  const Command command =
      gallery.add_command("remove", "remove pictures so that none of their bytes stay in the file");
  add_gallery_option(command, options->gallery);
  const Option picture =
      command.add_option("--picture", options->picture, "the picture that came from this path")
          .type_name("PATH");
  const Option identity =
      command.add_option("--identity", options->identity, "all pictures of this one, and the name")
          .type_name("NAME")
          .excludes(picture);
  command.add_option("--id", options->ids, "the pictures of these ids, as `list` shows them")
      .type_name("N")
      .excludes(picture)
      .excludes(identity);
  add_wait(command, *options);
  add_json(command, *options);
  add_quiet(command, *options);
  command.footer(
      "The whole file is written anew, which takes as long as copying it.\n"
      "Example:\n  kindred gallery remove family.db --identity Ada");
  command.callback([options] { remove(*options); },
                   [options](FileUse& files) { files.writes_locked(options->gallery); });
}

}  // namespace kindred::tools
