#include "data/pictures/picture_processes.h"

#include <fmt/format.h>

namespace kindred {
namespace {

constexpr Index kPictureMemory = Index{1} << 30;

}  // namespace

PictureProcesses::PictureProcesses(const PictureWishes& wishes, int count) : wishes_(wishes) {
  for (int i = 0; i < count; ++i) free_.push_back(make());
}

PictureProcesses::Child PictureProcesses::make() const {
  const IsolationLimits limits{.memory = kPictureMemory, .seconds = wishes_.seconds};
  return std::make_unique<IsolatedProcess>("image", limits);
}

Picture PictureProcesses::checked(Picture picture, const std::string& where) const {
  const bool whole = static_cast<Index>(picture.sample.size()) == wishes_.shape.size() &&
                     picture.height > 0 && picture.width > 0;
  if (picture.error.empty() && !whole) {
    fail(ErrorKind::internal, where + ": its decoder went astray");
  }
  return picture;
}

PictureProcesses::Lease::Lease(PictureProcesses& of) : of_(of) {
  std::unique_lock lock(of.mutex_);
  of.freed_.wait(lock, [&] { return !of.free_.empty(); });
  child_ = std::move(of.free_.back());
  of.free_.pop_back();
}

PictureProcesses::Lease::~Lease() {
  {
    const std::lock_guard lock(of_.mutex_);
    of_.free_.push_back(std::move(child_));
  }
  of_.freed_.notify_one();
}

// The dead one stays where none can be made: its next call says so.
void PictureProcesses::Lease::renew() { child_ = of_.make(); }

}  // namespace kindred
