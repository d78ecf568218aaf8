#include "interruption.h"

#include <utility>

namespace kindred::python {

bool Interruption::requested() {
  if (error_) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return false;
  next_ = now + std::chrono::milliseconds(20);
  const py::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() == 0) return false;
  error_.emplace();
  return true;
}

void Interruption::keep(py::error_already_set&& error) {
  if (!error_) error_.emplace(std::move(error));
}

void Interruption::rethrow(const std::string& note) {
  if (!error_) return;
  if (!note.empty() && py::hasattr(error_->value(), "add_note")) {  // Python 3.11
    error_->value().attr("add_note")(note);
  }
  py::error_already_set error = std::move(*error_);
  error_.reset();
  throw std::move(error);
}

}  // namespace kindred::python
