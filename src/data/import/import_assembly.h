#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/import/image_set.h"
#include "data/import/import_decoder.h"
#include "data/import/import_plan.h"

namespace kindred {

/// Takes decoded samples in the order of the data set and writes them, a class at a time.
class Assembly {
 public:
  /// All outlive it. `order` are the plan's items as they will be added.
  Assembly(const ImportPlan& plan, const ImportOptions& options, const std::string& out_path,
           const std::vector<Index>& order, const Workers& workers, ImportReport& report);

  /// The next item. Fails with data where it does not go with the others.
  void add(Index item, Decoded decoded);
  /// Fills the report. Fails with data where nothing was added.
  void finish();

 private:
  Index run_of_classes() const;
  void fit(const ImportItem& sample, Image& image);
  void look_at_depth(int largest);
  void note_depth();
  void note_duplicate(Index item, std::uint64_t hash);
  void flush();
  void fill_columns();
  std::string group_of(const std::string& list) const;
  std::int64_t label_of(const ImportItem& item);

  const ImportPlan& plan_;
  const ImportOptions& options_;
  const std::string& out_path_;
  const std::vector<Index>& order_;
  const Workers& workers_;
  ImportReport& report_;
  std::optional<ImageSetWriter> writer_;
  Index run_ = 1;
  Shape shape_;
  std::string first_;
  Index converted_ = 0;
  Index deep_ = 0;     // pictures of 16 bits a channel
  Index dark_ = 0;     // those that use 14 of them at most
  int dark_most_ = 0;  // the largest value in these
  Index clipped_ = 0;  // those with values beyond the bits asked for
  std::map<std::string, std::int64_t> label_of_;
  std::unordered_map<std::uint64_t, Index> first_with_;
  std::vector<Index> held_;  // items of the class that is coming in
  std::vector<std::uint8_t> pixels_;
  std::vector<Index> kept_;
  ImageColumns columns_;
};

}  // namespace kindred
