#pragma once
#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

/// Hears how work on samples (an import, a pack) gets on, and may stop it. Called from one thread
/// at a time.
class WorkObserver {
 public:
  virtual ~WorkObserver() = default;
  virtual void on_progress(Index /*done*/, Index /*total*/) {}
  virtual bool stop_requested() { return false; }
};

}  // namespace kindred
