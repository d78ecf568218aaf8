#include "held_dataset.h"

#include <unistd.h>

#include <filesystem>
#include <utility>

namespace kindred::python {
namespace {

/// The samples of a data set that others use, too.
class SharedSamples final : public SampleSource {
 public:
  explicit SharedSamples(std::shared_ptr<const Dataset> dataset)
      : SampleSource(dataset->path(), dataset->size(), dataset->shape(), dataset->element()),
        dataset_(std::move(dataset)) {}

  void read(std::span<const Index> samples, std::byte* dst, Reading reading) override {
    dataset_->read(samples, dst, reading);
  }
  bool in_memory() const override { return dataset_->in_memory(); }

 private:
  std::shared_ptr<const Dataset> dataset_;
};

/// "FILE.h5:/group" with an absolute FILE.
std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

}  // namespace

HeldDataset::HeldDataset(std::string path, DatasetNames names)
    : path_(absolute(path)), names_(std::move(names)) {
  open();
}

HeldDataset::HeldDataset(Dataset dataset)
    : opened_by_(::getpid()), dataset_(std::make_shared<Dataset>(std::move(dataset))) {}

HeldDataset::~HeldDataset() {
  if (!is_file() || opened_by_ == ::getpid()) return;
  // What would be ended here is a process of the one that this was forked from.
  static_cast<void>(new std::shared_ptr<Dataset>(std::move(dataset_)));
}

void HeldDataset::open() {
  dataset_ = std::make_shared<Dataset>(Dataset::stream(path_, 0, names_));
  opened_by_ = ::getpid();
}

const Dataset& HeldDataset::get() {
  const std::lock_guard lock(mutex_);
  if (is_file() && opened_by_ != ::getpid()) {
    static_cast<void>(new std::shared_ptr<Dataset>(std::move(dataset_)));
    open();
  }
  return *dataset_;
}

std::unique_ptr<Dataset> HeldDataset::for_training() const {
  Matrix targets(dataset_->targets().rows(), dataset_->targets().cols());
  for (Index i = 0; i < targets.rows(); ++i) {
    std::copy_n(dataset_->targets().row(i), targets.cols(), targets.row(i));
  }
  return std::make_unique<Dataset>(Dataset::from_source(std::make_unique<SharedSamples>(dataset_),
                                                        dataset_->columns(), std::move(targets)));
}

}  // namespace kindred::python
