#include <fmt/format.h>

#include <filesystem>

#include "gallery/gallery.h"
#include "kindred/core/text.h"
#include "kindred/data/preparation.h"

namespace kindred::tools {
namespace {

Json json_of(const std::optional<double>& number) { return number ? Json(*number) : Json(nullptr); }

std::string text_of_threshold(const std::optional<double>& number) {
  return number ? fmt::format("{:.4f}", *number) : "none";
}

void info(const GalleryOptions& options) {
  const PictureGallery gallery(options.gallery);
  const GalleryFacts& facts = gallery.facts();
  const GalleryThresholds thresholds = gallery.thresholds();
  const std::vector<GalleryIdentity> identities = gallery.identities();
  Index named = 0;
  for (const GalleryIdentity& identity : identities) named += identity.pictures;
  const Index pictures = gallery.size();
  const auto bytes = static_cast<Index>(std::filesystem::file_size(options.gallery));
  const std::string prepared =
      facts.preparation.empty()
          ? "not said by the model"
          : description_of(preparation_of(facts.preparation, options.gallery));
  const Json numbers = {{"gallery", options.gallery},
                        {"pictures", pictures},
                        {"named", named},
                        {"identities", identities.size()},
                        {"dimension", facts.dimension},
                        {"model_fingerprint", facts.model_fingerprint},
                        {"preparation", prepared},
                        {"thumbnails", facts.keeps_thumbnails},
                        {"thresholds",
                         {{"identify", json_of(thresholds.identify)},
                          {"identify_centroid", json_of(thresholds.identify_centroid)},
                          {"compare", json_of(thresholds.compare)},
                          {"far", json_of(thresholds.far)}}},
                        {"bytes", bytes}};
  if (!write_json(options, numbers)) return;
  fmt::print("{}\n", printable(options.gallery));
  const auto line = [](const char* name, const std::string& value) {
    fmt::print("  {:<12} {}\n", name, printable(value));
  };
  line("pictures",
       fmt::format("{}, {} of them of {} identities", pictures, named, identities.size()));
  line("model",
       fmt::format("{}, embeddings of {} numbers", facts.model_fingerprint, facts.dimension));
  line("prepared", prepared);
  line("thumbnails", facts.keeps_thumbnails ? "kept" : "not kept");
  if (thresholds.far) {
    line("thresholds", fmt::format("identify {} (by centroid {}), compare {}, for a false accept "
                                   "rate of {}",
                                   text_of_threshold(thresholds.identify),
                                   text_of_threshold(thresholds.identify_centroid),
                                   text_of_threshold(thresholds.compare), *thresholds.far));
  } else {
    line("thresholds", "none; `kindred gallery calibrate` chooses them");
  }
  line("size", fmt::format("{:.1f} MB", static_cast<double>(bytes) * 1e-6));
}

}  // namespace

void add_gallery_info(const Command& gallery) {
  auto options = std::make_shared<GalleryOptions>();
  const Command command = gallery.add_command("info", "say what a gallery holds");
  add_gallery_option(command, options->gallery).reads_file();
  add_json(command, *options);
  command.footer("Example:\n  kindred gallery info family.db");
  command.callback([options] { info(*options); });
}

}  // namespace kindred::tools
