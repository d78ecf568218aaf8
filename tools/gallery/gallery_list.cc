#include <fmt/format.h>

#include "gallery/gallery.h"
#include "kindred/core/text.h"

namespace kindred::tools {
namespace {

struct ListOptions : GalleryOptions {
  bool identities = false;
};

void list_identities(const ListOptions& options, const PictureGallery& gallery) {
  Json numbers = Json::array();
  const std::vector<GalleryIdentity> identities = gallery.identities();
  for (const GalleryIdentity& identity : identities) {
    numbers.push_back({{"identity", identity.name}, {"pictures", identity.pictures}});
  }
  if (!write_json(options, numbers)) return;
  for (const GalleryIdentity& identity : identities) {
    fmt::print("{:>8}  {}\n", identity.pictures, printable(identity.name));
  }
}

void list(const ListOptions& options) {
  const PictureGallery gallery(options.gallery);
  if (options.identities) return list_identities(options, gallery);
  Json numbers = Json::array();
  const std::vector<GalleryPicture> pictures = gallery.pictures();
  for (const GalleryPicture& picture : pictures) {
    numbers.push_back({{"id", picture.id},
                       {"path", picture.path},
                       {"identity", picture.identity},
                       {"width", picture.width},
                       {"height", picture.height},
                       {"sha256", picture.digest},
                       {"thumbnail", picture.has_thumbnail}});
  }
  if (!write_json(options, numbers)) return;
  for (const GalleryPicture& picture : pictures) {
    fmt::print("{:>8}  {:<20}  {}\n", picture.id,
               picture.identity.empty() ? "-" : printable(picture.identity),
               printable(picture.path));
  }
}

}  // namespace

void add_gallery_list(const Command& gallery) {
  auto options = std::make_shared<ListOptions>();
  const Command command = gallery.add_command("list", "list the pictures of a gallery");
  add_gallery_option(command, options->gallery).reads_file();
  command.add_flag("--identities", options->identities,
                   "list who there is, and of how many pictures");
  add_json(command, *options);
  command.footer("Example:\n  kindred gallery list family.db --identities");
  command.callback([options] { list(*options); });
}

}  // namespace kindred::tools
