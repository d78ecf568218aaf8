#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "kindred/core/export.h"
#include "kindred/core/recipe.h"
#include "kindred/data/training_set.h"

namespace KINDRED_API kindred {

/// How often a sample of a batch meets another of its class there (kin), and one of another class:
/// from 0, never, to 1. Where never, why, with the key to change: "[sampler] classes = 1 ...".
struct BatchPairs {
  double kin = 1;
  double others = 1;
  std::string no_kin;
  std::string no_others;
};

/// Chooses the entries of each batch: a pure function of (seed, step), so that a resumed run draws
/// what an uninterrupted one would. One caller at a time (it may keep the current epoch's order).
class Sampler {
 public:
  virtual ~Sampler() = default;
  virtual Index batch() const = 0;
  /// floor(entries / batch), at least 1.
  Index steps_per_epoch() const;
  /// Fills `entries` [batch] for `step` (0, 1, ...; any order of calls).
  virtual void draw(Index step, std::span<Index> entries) = 0;
  /// What its batches are to losses over pairs. A set without labels has none.
  const BatchPairs& pairs() const { return pairs_; }

 protected:
  Index entry_count_ = 0;
  BatchPairs pairs_;
};

/// Registry row; `pxk` orders a batch by (k, class), so that a slice holds as many classes as it
/// can.
struct SamplerEntry {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<Sampler> (*make)(Section section, const TrainingSet& set, std::uint64_t seed);
};
std::span<const SamplerEntry> sampler_registry();
/// The sampler of that name ("pxk" where there is none). Fails with recipe or data.
std::unique_ptr<Sampler> make_sampler(const NamedSettings& settings, const TrainingSet& set,
                                      std::uint64_t seed);
/// Reads [sampler]: name, and the sampler's own settings.
std::unique_ptr<Sampler> read_sampler(Section section, const TrainingSet& set, std::uint64_t seed);

}  // namespace kindred
