#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/file_kinds.h"
#include "kindred/core/parallel.h"
#include "kindred/gallery/gallery_snapshot.h"
#include "kindred/train/model.h"

namespace KINDRED_API kindred {

/// By how it begins: an SQLite file that says it is a gallery.
extern const FileKind kGalleryFile;

/// A picture on its way into a gallery.
struct NewGalleryPicture {
  std::string path;    ///< where it came from, as people find it again
  std::string digest;  ///< SHA-256 of the file's bytes, 64 hexadecimal digits
  Index height = 0;    ///< pixels
  Index width = 0;
  std::string identity;   ///< who or what it shows; "": nobody said
  std::string thumbnail;  ///< a JPEG file; not kept where the gallery keeps none
  std::vector<float> embedding;
};

/// Where it is now.
struct GalleryPlace {
  Index id = 0;
  bool was_there = false;  ///< a picture of the same bytes was there before: nothing was added
  std::string identity;    ///< whom it is kept as: of one that was there, as it was
};

/// A picture as a gallery has it.
struct GalleryPicture {
  Index id = 0;  ///< above 0, never given twice
  std::string path;
  std::string digest;
  std::string identity;
  Index height = 0;
  Index width = 0;
  bool has_thumbnail = false;
};

struct GalleryIdentity {
  Index id = 0;
  std::string name;
  Index pictures = 0;
};

/// From which score on the answer is yes; nothing where nobody chose one.
struct GalleryThresholds {
  std::optional<double> identify;           ///< the nearest picture shows a known identity
  std::optional<double> identify_centroid;  ///< the same of the nearest centroid
  std::optional<double> compare;            ///< two pictures show the same
  std::optional<double> far;                ///< the rate that they were chosen for
};

/// What does not change while a gallery exists.
struct GalleryFacts {
  std::string model_fingerprint;  ///< Model::fingerprint
  std::string preparation;        ///< as the model's: text_of(Preparation); "" of older models
  Index dimension = 0;            ///< of its embeddings
  bool keeps_thumbnails = true;
};

enum class GalleryAccess { read, write };

struct FoundPicture {
  GalleryPicture picture;
  double score = 0;
};

enum class IdentifyBy { best, centroid };

struct Identification {
  bool known = false;    ///< the score reaches the threshold
  std::string identity;  ///< the nearest one, known or not; "" where the gallery has none
  double score = 0;
  Index picture = 0;  ///< the nearest one (IdentifyBy::best); else 0
};

/// Pictures, their embeddings and who they show, in one SQLite file, with the model that made the
/// embeddings. The file, its WAL and its shared memory are the owner's alone (mode 0600).
///
/// Each call is one transaction: it has happened as a whole when it returns, and not at all where
/// it fails or the process is killed. Any number of processes may use a gallery at once; who writes
/// waits for others who do. All members may be called by several threads.
///
/// Everything in the file is checked when it is read. Members fail with data where it is not as a
/// gallery is, with cannot_create where others keep it locked for too long or it cannot be written,
/// with io. A change fails with io where the file was moved, removed or replaced meanwhile.
class PictureGallery {
 public:
  /// Makes a gallery without pictures at `path`, with the model's file in it, without the names of
  /// the classes it was trained on. Fails with usage
  /// where there is something at `path` already that is not empty, with no_input or data as
  /// read_model() does, with cannot_create where files of an earlier gallery are left beside it, or
  /// it cannot be made, with io.
  static void create(const std::string& path, const std::string& model_file,
                     bool keeps_thumbnails = true);

  /// Fails with no_input where there is none, with data where it is no gallery, of a format that is
  /// newer, or damaged: nothing is written before that is known. `wait_seconds` is how long others
  /// may keep it locked.
  explicit PictureGallery(const std::string& path, GalleryAccess access = GalleryAccess::read,
                          double wait_seconds = 60);
  /// Closes one, and removes its file: for who made it, and cannot fill it. Leaves alone what is
  /// at its path in its place.
  static void discard(PictureGallery gallery);
  PictureGallery(PictureGallery&&) noexcept;
  ~PictureGallery();

  const std::string& path() const;
  /// Opening it finished a remove that had been cut off: its bytes are gone now.
  bool finished_remove() const;
  const GalleryFacts& facts() const;
  /// The model in it, checked as any other.
  Model model() const;

  Index size() const;
  std::vector<GalleryPicture> pictures() const;  ///< by rising id
  /// Those of them that are (still) there, in this order.
  std::vector<GalleryPicture> pictures(std::span<const Index> ids) const;
  std::vector<GalleryIdentity> identities() const;  ///< by name
  std::vector<Index> ids_of_path(const std::string& path) const;
  std::vector<Index> ids_of_identity(const std::string& name) const;
  /// A JPEG file; "" where there is none.
  std::string thumbnail(Index id) const;
  /// Which of these bytes are there already: their pictures' ids, 0 of others.
  std::vector<Index> ids_of_digests(std::span<const std::string> digests) const;

  /// In one transaction. Fails with data where an embedding is not of facts().dimension numbers, or
  /// one is not finite.
  std::vector<GalleryPlace> add(std::span<const NewGalleryPicture> pictures);

  /// Removes the pictures, and the identities that have none left, and writes the file anew, so
  /// that none of their bytes stay in it; returns how many there were. Takes as long as copying the
  /// file. A remove that is cut off is finished by the next who opens the gallery to write.
  Index remove(std::span<const Index> ids);

  GalleryThresholds thresholds() const;
  void set_thresholds(const GalleryThresholds& thresholds);

  /// The embeddings as they are now: read once, later calls only read what others or this object
  /// have changed. Cheap where nothing has.
  std::shared_ptr<const GallerySnapshot> snapshot() const;

  /// The k nearest pictures of each query [D], nearest first, ties to the lower id.
  std::vector<std::vector<FoundPicture>> find(const Workers& workers, ConstMatrixView queries,
                                              Index k) const;
  /// Who each query shows. `threshold` in place of the gallery's own; where there is neither, all
  /// are known.
  std::vector<Identification> identify(const Workers& workers, ConstMatrixView queries,
                                       IdentifyBy by = IdentifyBy::best,
                                       std::optional<double> threshold = std::nullopt) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kindred
