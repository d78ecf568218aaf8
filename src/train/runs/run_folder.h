#pragma once
#include <optional>
#include <string>

#include "core/files/file_lock.h"
#include "core/files/made_folders.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/retrieval.h"
#include "kindred/train/checkpoint.h"
#include "kindred/train/embedder.h"

namespace kindred {

/// Where a run keeps its files.
class RunFolder {
 public:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  std::string checkpoints() const { return path_ + "/checkpoints"; }
  std::string recipe() const { return path_ + "/recipe.toml"; }
  /// Of a run that was made of pictures: the recipe with its reasons, and the data set.
  std::string chosen_recipe() const { return path_ + "/chosen.toml"; }
  std::string data() const { return path_ + "/data.h5"; }
  std::string log() const { return path_ + "/metrics.jsonl"; }
  std::string model() const { return path_ + "/model.kindred"; }
  /// Relative to the folder.
  std::string checkpoint_name(Index step) const;

  bool exists() const;
  /// True where checkpoints/ holds any, acknowledged or not.
  bool has_checkpoints() const;
  /// Keeps other runs away while it lives. REQUIRES: the folder is there. Fails with cannot_create
  /// where another run has it.
  FileLock lock() const { return {path_ + "/lock", path_}; }
  /// The same, nothing where there is no folder; `claims`: fails where it holds a run.
  std::optional<FileLock> lock_if_there(bool claims) const;
  /// Fails with cannot_create when the folder already holds a run.
  void claim() const;
  /// Makes the folder of the first free name: `path`, or with "-2", "-3", ... behind it. Nobody
  /// else gets the same.
  static RunFolder make_new(const std::string& path, MadeFolders& made);
  /// What a killed run left half-written is removed.
  void clean() const;
  /// Removes all but the newest `keep` checkpoints up to `step`, and what was left half-written.
  void drop_old_checkpoints(Index keep, Index step) const;

 private:
  std::string path_;
};

/// The memory's recipe with data.file as an absolute path: usable from any folder.
std::string with_absolute_data(const RunMemory& memory);

/// The recipe `asked` with data.file as `saved` writes it, so that a resumed run leaves the model
/// that an uninterrupted one leaves.
std::string with_data_as_saved(const std::string& asked, const std::string& saved);

/// Fails with ErrorKind::recipe and names the first key that differs, apart from keys a resumed run
/// may change: train.steps, paths, reporting.
void check_same_recipe(const std::string& saved, const std::string& asked,
                       const std::string& checkpoint);

/// Leave-one-out retrieval among `samples` whose rows are given.
RetrievalResult evaluate_rows(ConstMatrixView rows, const Dataset& dataset,
                              std::span<const Index> samples, const Workers& workers);

/// Fails with diverged where an evaluation's embeddings are not finite.
void check_finite(ConstMatrixView embeddings);

/// Their embeddings, which are finite: else as above.
Matrix finite_embeddings(const Embedder& embedder, const Dataset& dataset,
                         std::span<const Index> samples);

}  // namespace kindred
