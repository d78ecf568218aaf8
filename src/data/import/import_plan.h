#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/archive/source_files.h"
#include "data/image/image.h"
#include "data/import/image_set.h"
#include "data/labels/class_labels.h"
#include "kindred/core/matrix.h"
#include "kindred/core/process_group.h"
#include "kindred/data/import.h"
#include "kindred/data/picture_region.h"

namespace kindred {

/// A sample to be.
struct ImportItem {
  std::string path;         ///< as in /paths; unique
  std::string class_name;   ///< unless the plan is numbered
  std::int64_t label = -1;  ///< where it is
  Index place = 0;          ///< where its ImportImages finds it
  std::int64_t group = 0;
  Index source = 0;  ///< of SourceFiles
  std::int32_t episode = 0;
  std::uint8_t split = 0;
  std::uint8_t role = 0;
};

/// Where the images of a plan come from. visit() has one caller, decode() any number.
class ImportImages {
 public:
  virtual ~ImportImages() = default;
  /// Gives each of the `wanted` places once, in an order of its own near to the one wanted, with
  /// the content to decode. Ends early where `take` says false.
  virtual void visit(std::span<const Index> wanted,
                     FunctionRef<bool(Index place, FileContent content)> take) const = 0;
  /// Whether decode() parses what others wrote, and belongs into a child process.
  virtual bool parses() const { return true; }
  /// The content of a place that visit() gives empty: a file that is read where it is decoded.
  /// Fails with data, no_input or io.
  virtual std::vector<std::byte> file(Index /*place*/) const { return {}; }
  /// `bytes`: of visit(), or of file(). `bits` as decode_image() takes them. Fails with data.
  virtual Image decode(Index place, std::span<const std::byte> bytes, int bits) const = 0;
  virtual std::string where(Index place) const = 0;  ///< for messages
};

/// Images that are files of their own; a place is an index of SourceFiles, which must outlive it.
std::unique_ptr<ImportImages> images_in_files(const SourceFiles& files);

/// What a format makes of its sources, before an image is decoded.
struct ImportPlan {
  std::string format = {};  ///< its name
  std::vector<ImportItem> items;
  std::unique_ptr<ImportImages> images;
  bool numbered = false;                 ///< labels are kept as they are, not counted by name
  std::vector<std::string> class_names;  ///< of a numbered plan, by label; may be empty
  Matrix vectors;                        ///< instead of images: a place is a row
  bool has_labels = true;                ///< of vectors
  bool in_order = false;                 ///< items stay in their order, else class, then path
  std::string group_name;                ///< the column that items' groups are written to, or empty
  bool sources_are_splits = false;       ///< called train, test
  bool sources_are_sets = true;          ///< classes of equal names may be others in each
  bool has_episodes = false;             ///< episode and role
  std::unordered_map<Index, PictureRegion> region_at;  ///< place -> what is meant of it; or empty
  std::vector<std::string> left_out;  ///< files that are no samples, with the reason
  std::vector<std::string> notes;
  std::vector<std::string> pair_lists;  ///< files of pairs to be kept in the data set
  bool inverted = false;                ///< ink is black in the sources
  Extent size;                          ///< where the caller does not say
  int gzip = 1;
  std::string source;  ///< where the images come from, for the file's attribute
};

/// What the images of the plan become.
Preparation preparation_of(const ImportPlan& plan, const ImportOptions& options);

/// Whether several sources are called as splits are; notes what is taken for what.
bool sources_are_splits(const SourceFiles& files, std::vector<std::string>& notes);

/// Gives the plan's items, one a row, the classes of these labels: by name where they are texts, by
/// number otherwise. Items of negative labels are left out where the options say so. Fails with
/// data.
void set_labels(ImportPlan& plan, std::vector<LabelValues> parts, const ImportOptions& options,
                Index column = -1, std::vector<std::string> names = {});

/// Paths that come twice, and classes where the options ask for it, get the name of their source;
/// notes classes whose names several sources have.
void tell_sources_apart(const SourceFiles& files, const ImportOptions& options, ImportPlan& plan);

/// Makes names of classes and paths of samples UTF-8, as data sets hold them, and notes how many
/// were not. Images are found by place, not by name.
void make_names_valid(ImportPlan& plan);

/// Counts classes and splits, and draws those that the options ask for; of one split for all
/// nothing is kept.
void finish_columns(ImageColumns& columns, const ImportOptions& options, ImportReport& report);

/// Writes the plan's vectors in `order`; `report` is what is known so far.
ImportReport write_vectors(const ImportPlan& plan, const std::vector<Index>& order,
                           const std::string& out_path, const ImportOptions& options,
                           ImportReport report);

/// What the format that the options name makes of the sources, or the first that knows them;
/// nothing where there is none. Fails as formats do.
std::optional<ImportPlan> plan_of_sources(const SourceFiles& files, const ImportOptions& options);

/// Checks, filters, sorts, decodes and writes it; of several ranks each decodes a part, and rank 0
/// writes.
ImportReport run_import(ImportPlan plan, const std::string& out_path, const ImportOptions& options,
                        WorkObserver& observer, ProcessGroup* group = nullptr);

/// The items of the plan that the options ask for, in the order they are written. Fails with data
/// where none is left or a path comes twice.
std::vector<Index> select_items(ImportPlan& plan, const ImportOptions& options,
                                ImportReport& report);

/// Draws shares of the classes or samples that are for training (split 0) by the options' seed;
/// what is for validation or test already stays so.
void draw_split(const std::vector<std::int64_t>& labels, const ImportOptions& options,
                std::span<std::uint8_t> split);

}  // namespace kindred
