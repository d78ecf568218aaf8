#pragma once
#include <pybind11/pybind11.h>

#include <chrono>
#include <optional>

#include "kindred/data/work_observer.h"

namespace kindred::python {

namespace py = pybind11;

/// Lets Python stop work that goes on without the GIL: Ctrl-C (and whatever other signal has a
/// handler in Python) in the main thread, and what a callback raises. Wants no GIL but for
/// construction, destruction and rethrow().
class Interruption {
 public:
  /// True once there is something to stop for. Looks for signals every 20 ms at most.
  bool requested();
  /// Keeps what a callback raised; with the GIL.
  void keep(py::error_already_set&& error);
  bool kept() const { return error_.has_value(); }
  /// Raises it, if there is something; `note` says how to go on.
  void rethrow(const std::string& note = "");

 private:
  std::chrono::steady_clock::time_point next_ = {};
  std::optional<py::error_already_set> error_;
};

/// For imports: may be stopped.
class StoppableWork : public WorkObserver {
 public:
  explicit StoppableWork(Interruption& interruption) : interruption_(interruption) {}
  bool stop_requested() override { return interruption_.requested(); }

 private:
  Interruption& interruption_;
};

}  // namespace kindred::python
