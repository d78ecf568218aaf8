#include "data/dataset/chosen_samples.h"

namespace kindred {
namespace {

class ChosenSamples final : public SampleSource {
 public:
  ChosenSamples(std::unique_ptr<SampleSource> all, std::vector<Index> rows)
      : SampleSource(all->name(), static_cast<Index>(rows.size()), all->shape(), all->element()),
        all_(std::move(all)),
        rows_(std::move(rows)) {}

  bool in_memory() const override { return all_->in_memory(); }
  void read(std::span<const Index> samples, std::byte* dst, Reading reading) override {
    std::vector<Index> rows;
    rows.reserve(samples.size());
    for (const Index sample : samples) rows.push_back(rows_[static_cast<std::size_t>(sample)]);
    all_->read(rows, dst, reading);
  }

 private:
  std::unique_ptr<SampleSource> all_;
  std::vector<Index> rows_;
};

}  // namespace

std::unique_ptr<SampleSource> chosen_samples(std::unique_ptr<SampleSource> all,
                                             std::vector<Index> rows) {
  return std::make_unique<ChosenSamples>(std::move(all), std::move(rows));
}

}  // namespace kindred
