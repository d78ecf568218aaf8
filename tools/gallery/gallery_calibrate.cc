#include <fmt/format.h>

#include "count_bar.h"
#include "gallery/gallery.h"
#include "kindred/core/text.h"
#include "kindred/gallery/calibration.h"

namespace kindred::tools {
namespace {

struct CalibrateOptions : GalleryOptions {
  double far = 0.001;
};

Json json_of(const CalibratedThreshold& chosen) {
  return {{"threshold", chosen.threshold},
          {"trials", chosen.trials},
          {"accepted", chosen.accepted},
          {"needed", chosen.needed},
          {"enough", chosen.enough()}};
}

void print(const char* name, const CalibratedThreshold& chosen, const char* trials) {
  fmt::print("  {:<20} {:.4f}  accepts {} of {} {}\n", name, chosen.threshold, chosen.accepted,
             chosen.trials, trials);
}

void warn(const CalibratedThreshold& chosen, const char* of, const char* trials, double far) {
  if (chosen.enough()) return;
  note(fmt::format(
      "{}: {} {} are too few for a rate of {}: {} are needed for 95 % confidence that it is kept "
      "(rule of three: 3 / rate); the threshold is a guess until there are as many",
      of, chosen.trials, trials, far, chosen.needed));
}

void calibrate_gallery(const CalibrateOptions& options) {
  PictureGallery gallery(options.gallery, GalleryAccess::write, options.wait);
  const ShownWorkers workers("comparing", options);
  const Calibration chosen = calibrate(workers, *gallery.snapshot(), options.far);
  gallery.set_thresholds(chosen.thresholds());
  const Json numbers = {{"far", options.far},
                        {"pictures", chosen.pictures},
                        {"identities", chosen.identities},
                        {"identify", json_of(chosen.identify)},
                        {"identify_centroid", json_of(chosen.identify_centroid)},
                        {"compare", json_of(chosen.compare)}};
  warn(chosen.identify, "identify", "pictures with a name", options.far);
  warn(chosen.compare, "compare", "pairs of pictures of two identities", options.far);
  if (!write_json(options, numbers) || options.quiet) return;
  fmt::print("{}: thresholds for a false accept rate of {}, by {} pictures of {} identities\n",
             printable(options.gallery), options.far, chosen.pictures, chosen.identities);
  print("identify", chosen.identify, "pictures, their own identity left out");
  print("identify by centroid", chosen.identify_centroid, "pictures, their own identity left out");
  print("compare", chosen.compare, "pairs of two identities");
}

}  // namespace

void add_gallery_calibrate(const Command& gallery) {
  auto options = std::make_shared<CalibrateOptions>();
  const Command command =
      gallery.add_command("calibrate", "choose from which score on pictures show the same");
  add_gallery_option(command, options->gallery);
  command
      .add_option("--far", options->far,
                  "share of strangers that may be taken for somebody (identify), and of pairs of "
                  "two that may be taken for one (compare)")
      .type_name("RATE")
      .check(share())
      .show_default();
  add_wait(command, *options);
  add_json(command, *options);
  add_threads(command, *options);
  add_quiet(command, *options);
  command.footer("Example:\n  kindred gallery calibrate family.db --far 0.001");
  command.callback([options] { calibrate_gallery(*options); },
                   [options](FileUse& files) { files.writes_locked(options->gallery); });
}

}  // namespace kindred::tools
