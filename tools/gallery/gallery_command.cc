#include "gallery/gallery.h"

namespace kindred::tools {

void add_pictures_option(const Command& command, PictureOptions& options, const std::string& what) {
  command.add_option("pictures", options.pictures, what + "; - for names on standard input")
      .type_name("PICTURES")
      .reads_file();
  add_picture_options(command, options);
}

void add_query_options(const Command& command, PictureOptions& options, std::string& gallery,
                       const std::string& what) {
  add_pictures_option(command, options, what);
  command.option("pictures").required();
  command.add_option("--in", gallery, "the gallery").required().type_name("G.db").reads_file();
}

Option add_gallery_option(const Command& command, std::string& gallery) {
  return command.add_option("gallery", gallery, "the gallery")
      .required()
      .type_name("G.db")
      .check(named());
}

void add_wait(const Command& command, GalleryOptions& options) {
  command
      .add_option("--wait", options.wait,
                  "seconds to wait for another process that writes the gallery")
      .type_name("SECONDS")
      .check(not_negative())
      .show_default();
}

void add_name_option(const Command& command, AddOptions& options) {
  command
      .add_option("--name", options.name,
                  "who or what all of them show (default: their class folder, or what a list says)")
      .type_name("WHO")
      .check(one_line(500));  // as kindred serve has it
}

void add_gallery(const Command& program) {
  const Command gallery =
      program.add_command("gallery", "keep pictures, who they show and their embeddings in a file");
  gallery.require_command();
  gallery.footer(
      "Example:\n  kindred gallery new family.db runs/faces/model.kindred photos/\n"
      "  kindred find new.jpg --in family.db");
  add_gallery_new(gallery);
  add_gallery_add(gallery);
  add_gallery_remove(gallery);
  add_gallery_list(gallery);
  add_gallery_info(gallery);
  add_gallery_calibrate(gallery);
}

}  // namespace kindred::tools
