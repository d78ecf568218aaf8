#pragma once
#include <string>

#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

/// Hears how work on samples (an import, a pack) gets on, and may stop it. Called from one thread
/// at a time.
class WorkObserver {
 public:
  virtual ~WorkObserver() = default;
  /// What is about to be done, and what was guessed or left out for it; before the work.
  virtual void on_note(const std::string& /*note*/) {}
  virtual void on_progress(Index /*done*/, Index /*total*/) {}
  virtual bool stop_requested() { return false; }
};

}  // namespace kindred
