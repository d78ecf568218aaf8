#include <fmt/format.h>

#include "gallery/gallery.h"
#include "kindred/core/error.h"
#include "model_argument.h"

namespace kindred::tools {
namespace {

struct NewOptions : AddOptions {
  std::string model;
  bool no_thumbnails = false;
};

// Whatever is there stays, even another gallery: what it holds may be nowhere else.
const FileKind kNothing{"an empty file", [](const std::string& /*path*/) { return false; }};

/// Where that fails, nothing stays but what was acknowledged before a disk failed.
void fill(const NewOptions& options, PictureList list, PictureGallery gallery) {
  try {
    add_pictures(options, std::move(list), gallery);
  } catch (const Error& error) {
    const bool stays = error.kind() != ErrorKind::data && gallery.size() > 0;
    if (!stays) PictureGallery::discard(std::move(gallery));
    throw;
  }
}

void make(const NewOptions& options) {
  if (options.gallery == "-") {
    fail(ErrorKind::usage, "-: a gallery is a file, never standard output; name one");
  }
  require_no_gallery(options.model, "its MODEL is model.kindred of a run");
  std::optional<PictureList> list;  // what is missing is told of before there is a gallery
  if (!options.pictures.empty())
    list.emplace(open_pictures(options.pictures, options, options.quiet));
  PictureGallery::create(options.gallery, options.model, !options.no_thumbnails);
  PictureGallery gallery(options.gallery, GalleryAccess::write, options.wait);
  if (list) {
    fill(options, std::move(*list), std::move(gallery));
    return;
  }
  const Json numbers = {{"gallery", options.gallery}, {"pictures", 0}};
  if (write_json(options, numbers) && !options.quiet) {
    note(fmt::format("{}: a gallery without pictures; `kindred gallery add` adds some",
                     options.gallery));
  }
}

}  // namespace

void add_gallery_new(const Command& gallery) {
  auto options = std::make_shared<NewOptions>();
  const Command command = gallery.add_command("new", "make a gallery, with the model in it");
  add_gallery_option(command, options->gallery);
  command.add_option("model", options->model, "model.kindred of a run")
      .required()
      .type_name("MODEL")
      .reads_file();
  add_pictures_option(command, *options,
                      "images, folders (class folders name who they show), archives, lists");
  add_name_option(command, *options);
  command.add_flag("--no-thumbnails", options->no_thumbnails,
                   "keep no small copies of the pictures");
  add_json(command, *options);
  add_threads(command, *options);
  add_quiet(command, *options);
  command.footer("Example:\n  kindred gallery new family.db runs/faces/model.kindred photos/");
  command.callback(
      [options] { make(*options); },
      [options](FileUse& files) { files.writes_beside_inputs(options->gallery, &kNothing); });
}

}  // namespace kindred::tools
