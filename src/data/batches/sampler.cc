#include "kindred/data/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "data/batches/deck.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

/// The entries of each class, which follow each other in the training set, and a deck over each.
class ClassDecks {
 public:
  ClassDecks(const TrainingSet& set, std::uint64_t seed)
      : seed_(seed), first_(static_cast<std::size_t>(set.classes) + 1) {
    if (set.classes == 0) return;  // no labels: the sampler will say so
    for (const TrainingSet::Entry& entry : set.entries) {
      ++first_[static_cast<std::size_t>(entry.label) + 1];
    }
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
  }
  Index classes() const { return static_cast<Index>(first_.size()) - 1; }
  Index size(Index c) const { return first(c + 1) - first(c); }
  /// REQUIRES: hand <= size(c) for every class.
  void set_hand(Index hand) {
    decks_.reserve(static_cast<std::size_t>(classes()));
    for (Index c = 0; c < classes(); ++c) {
      decks_.emplace_back(size(c), hand, seed_, Purpose::sample, static_cast<std::uint64_t>(c) + 1);
    }
  }
  /// The entries that class c shows the number-th time.
  void deal(Index c, Index number, std::span<Index> dealt) {
    decks_[static_cast<std::size_t>(c)].deal(number, dealt);
    for (Index& item : dealt) item += first(c);
  }

 private:
  Index first(Index c) const { return first_[static_cast<std::size_t>(c)]; }

  std::uint64_t seed_;
  std::vector<Index> first_;  ///< entry of each class, and the end
  std::vector<Deck> decks_;
};

void need_labels(const Section& section, const TrainingSet& set) {
  if (set.classes > 0) return;
  fail(ErrorKind::data, fmt::format("{} draws by class, but the data set has no /labels; add them, "
                                    "or take the sampler \"shuffle\"",
                                    section.name()));
}

constexpr const char* kOneSample = "[sampler] batch = 1 brings one sample; make it 2 or more";

std::vector<Index> class_sizes(const TrainingSet& set) {
  std::vector<Index> sizes(static_cast<std::size_t>(set.classes));
  if (set.classes == 0) return sizes;
  for (const TrainingSet::Entry& entry : set.entries)
    ++sizes[static_cast<std::size_t>(entry.label)];
  return sizes;
}

/// The chance that `drawn` of `all` samples, all different, are among `chosen` of them.
double all_among(Index chosen, Index all, Index drawn) {
  if (chosen < drawn) return 0;
  const auto log_factorial = [](Index n) { return std::lgamma(static_cast<double>(n) + 1); };
  return std::exp(log_factorial(chosen) - log_factorial(chosen - drawn) - log_factorial(all) +
                  log_factorial(all - drawn));
}

/// Of batches in which every sample comes as likely as any, and none twice.
BatchPairs pairs_by_chance(Index batch, const std::vector<Index>& class_sizes) {
  const Index samples = std::accumulate(class_sizes.begin(), class_sizes.end(), Index{0});
  BatchPairs pairs{.kin = 0, .others = 0, .no_kin = {}, .no_others = {}};
  for (const Index size : class_sizes) {
    const double share = static_cast<double>(size) / static_cast<double>(samples);
    if (size > 1) pairs.kin += share * (1 - all_among(samples - size, samples - 1, batch - 1));
    if (size < samples) pairs.others += share * (1 - all_among(size - 1, samples - 1, batch - 1));
  }
  if (batch == 1) pairs.kin = pairs.others = 0;
  return pairs;
}

/// Of batches that are cut from one permutation of the classes after the other. Where a permutation
/// ends inside of a batch, a part b and a part a of two permutations meet: 2 a b / classes kin.
BatchPairs pairs_in_turn(Index batch, Index classes) {
  BatchPairs pairs{.kin = 1,
                   .others = batch > 1 && classes > 1 ? 1.0 : 0.0,
                   .no_kin = {},
                   .no_others = kOneSample};
  const double share = static_cast<double>(batch) / static_cast<double>(classes);
  if (share < 1) pairs.kin = share * share / 3;  // the mean over where it ends
  if (classes % batch == 0) pairs.kin = 0;
  pairs.no_kin = fmt::format(
      "[sampler] batch = {} brings one sample of each of {} of the {} classes; take name = \"pxk\"",
      batch, batch, classes);
  return pairs;
}

/// P classes x K samples, by (k, class).
class PxkSampler : public Sampler {
 public:
  PxkSampler(Section section, const TrainingSet& set, std::uint64_t seed) : samples_(set, seed) {
    section.read("classes", classes_, "classes in a batch (P)", {1, 1 << 20});
    section.read("samples_per_class", samples_per_class_, "samples of each class in a batch (K)",
                 {1, 1 << 20});
    need_labels(section, set);
    if (classes_ > set.classes) {
      section.fail(fmt::format("classes = {}, but the training set has only {} classes; lower it",
                               classes_, set.classes));
    }
    for (Index c = 0; c < set.classes; ++c) {
      if (samples_.size(c) >= samples_per_class_) continue;
      section.fail(
          fmt::format("samples_per_class = {}, but class {} ({}) has only {} samples; lower "
                      "it, or drop small classes with min_class_size = {} in [data]",
                      samples_per_class_, c, set.class_names[static_cast<std::size_t>(c)],
                      samples_.size(c), samples_per_class_));
    }
    samples_.set_hand(samples_per_class_);
    class_deck_.emplace(set.classes, classes_, seed, Purpose::class_sampling, 0);
    drawn_.resize(static_cast<std::size_t>(classes_));
    hand_.resize(static_cast<std::size_t>(samples_per_class_));
    entry_count_ = static_cast<Index>(set.entries.size());
    pairs_.kin = samples_per_class_ > 1 ? 1 : 0;
    pairs_.others = classes_ > 1 ? 1 : 0;
    pairs_.no_kin =
        "[sampler] samples_per_class = 1 brings one sample of each class; make it 2 or more";
    pairs_.no_others = "[sampler] classes = 1 brings samples of one class; make it 2 or more";
  }
  Index batch() const override { return classes_ * samples_per_class_; }
  void draw(Index step, std::span<Index> entries) override {
    class_deck_->deal(step, drawn_);
    for (Index p = 0; p < classes_; ++p) {
      // Each permutation of the classes shows a class once: its number is the number of the turn.
      const Index turn = (step * classes_ + p) / samples_.classes();
      samples_.deal(drawn_[static_cast<std::size_t>(p)], turn, hand_);
      for (Index k = 0; k < samples_per_class_; ++k) {
        entries[static_cast<std::size_t>(k * classes_ + p)] = hand_[static_cast<std::size_t>(k)];
      }
    }
  }

 private:
  Index classes_ = 32;
  Index samples_per_class_ = 4;
  ClassDecks samples_;
  std::optional<Deck> class_deck_;
  std::vector<Index> drawn_;
  std::vector<Index> hand_;
};

/// All entries in random order, again and again.
class ShuffleSampler : public Sampler {
 public:
  ShuffleSampler(Section section, const TrainingSet& set, std::uint64_t seed) {
    section.read("batch", batch_, "samples in a batch", {1, 1 << 24});
    entry_count_ = static_cast<Index>(set.entries.size());
    if (batch_ > entry_count_) {
      section.fail(fmt::format("batch = {}, but the training set has only {} samples; lower it",
                               batch_, entry_count_));
    }
    deck_.emplace(entry_count_, batch_, seed, Purpose::sample, 0);
    pairs_ = pairs_by_chance(batch_, class_sizes(set));
    pairs_.no_kin = pairs_.no_others = kOneSample;
  }
  Index batch() const override { return batch_; }
  void draw(Index step, std::span<Index> entries) override { deck_->deal(step, entries); }

 private:
  Index batch_ = 128;
  std::optional<Deck> deck_;
};

/// Classes in random order, again and again, each with the next of its samples.
class BalancedSampler : public Sampler {
 public:
  BalancedSampler(Section section, const TrainingSet& set, std::uint64_t seed)
      : samples_(set, seed) {
    section.read("batch", batch_, "samples in a batch", {1, 1 << 24});
    need_labels(section, set);
    samples_.set_hand(1);
    class_deck_.emplace(set.classes, 1, seed, Purpose::class_sampling, 0);
    entry_count_ = static_cast<Index>(set.entries.size());
    pairs_ = pairs_in_turn(batch_, set.classes);
  }
  Index batch() const override { return batch_; }
  void draw(Index step, std::span<Index> entries) override {
    Index position = step * batch_;
    for (Index& entry : entries) {
      Index drawn = 0;
      class_deck_->deal(position, {&drawn, 1});
      samples_.deal(drawn, position / samples_.classes(), {&entry, 1});
      ++position;
    }
  }

 private:
  Index batch_ = 128;
  ClassDecks samples_;
  std::optional<Deck> class_deck_;
};

template <typename T>
std::unique_ptr<Sampler> make(Section section, const TrainingSet& set, std::uint64_t seed) {
  return std::make_unique<T>(section, set, seed);
}

constexpr std::array kSamplers{
    SamplerEntry{"pxk", "P classes x K samples; classes come equally often", make<PxkSampler>},
    SamplerEntry{"shuffle", "all samples in random order", make<ShuffleSampler>},
    SamplerEntry{"balanced", "classes equally often, one sample at a time", make<BalancedSampler>},
};

}  // namespace

Index Sampler::steps_per_epoch() const { return std::max<Index>(1, entry_count_ / batch()); }

std::span<const SamplerEntry> sampler_registry() { return kSamplers; }

std::unique_ptr<Sampler> read_sampler(Section section, const TrainingSet& set, std::uint64_t seed) {
  std::vector<std::string> names;
  for (const SamplerEntry& entry : kSamplers) names.emplace_back(entry.name);
  std::string name = names[0];
  section.read_choice("name", name, names, "how the samples of a batch are chosen");
  const auto entry = std::find_if(kSamplers.begin(), kSamplers.end(),
                                  [&](const SamplerEntry& row) { return row.name == name; });
  std::unique_ptr<Sampler> sampler = entry->make(section, set, seed);
  section.finish();
  return sampler;
}

std::unique_ptr<Sampler> make_sampler(const NamedSettings& settings, const TrainingSet& set,
                                      std::uint64_t seed) {
  Recipe recipe;
  Section section = recipe.root().section("sampler");
  section.put_settings(settings);
  return read_sampler(section, set, seed);
}

}  // namespace kindred
