#pragma once
#include <string>

#include "kindred/core/index.h"

namespace kindred {

/// Notices when training pulls all embeddings to one point, whatever the loss: the mean cosine of
/// rows of different classes stays near 1.
class CollapseWatch {
 public:
  /// After each step; no number (NaN) says nothing. True the first time that the sign has held for
  /// a number of steps in a row.
  bool look(Index step, double between_class_cosine);

  /// Whether the sign holds now: for that many steps, or for all of a shorter run.
  bool collapsed() const;
  /// What to tell of it, and what to do; of now.
  std::string text() const;

 private:
  Index step_ = 0;
  Index looked_ = 0;
  Index in_a_row_ = 0;
  double cosine_ = 0;
  bool told_ = false;
};

}  // namespace kindred
