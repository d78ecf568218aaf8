#include "kindred/data/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;

// `sizes[c]` entries of class c.
TrainingSet set_of(const std::vector<Index>& sizes) {
  TrainingSet set;
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    for (Index i = 0; i < sizes[c]; ++i) {
      set.entries.push_back(
          {static_cast<std::int32_t>(set.entries.size()), static_cast<std::int32_t>(c), 0});
    }
    set.class_names.push_back("name" + std::to_string(c));
  }
  set.classes = static_cast<Index>(sizes.size());
  return set;
}

std::unique_ptr<Sampler> sampler_of(const std::string& text, const TrainingSet& set,
                                    std::uint64_t seed = 1) {
  Recipe recipe = Recipe::from_text("[sampler]\n" + text, "recipe.toml");
  return read_sampler(recipe.root().section("sampler"), set, seed);
}

std::vector<Index> drawn(Sampler& sampler, Index step) {
  std::vector<Index> entries(static_cast<std::size_t>(sampler.batch()), -1);
  sampler.draw(step, entries);
  return entries;
}

std::int64_t label_of(const TrainingSet& set, Index entry) {
  return set.entries[static_cast<std::size_t>(entry)].label;
}

TEST(PxkSampler, BatchesAreOrderedByTurnThenClassWithoutRepeats) {
  const TrainingSet set = set_of({5, 6, 7, 8, 9, 10, 11});
  const auto sampler = sampler_of("classes = 3\nsamples_per_class = 4", set);
  ASSERT_EQ(sampler->batch(), 12);
  EXPECT_EQ(sampler->steps_per_epoch(), 56 / 12);
  for (Index step = 0; step < 200; ++step) {
    const std::vector<Index> entries = drawn(*sampler, step);
    EXPECT_EQ(std::set<Index>(entries.begin(), entries.end()).size(), 12U);
    std::set<std::int64_t> classes;
    for (Index p = 0; p < 3; ++p) {
      const std::int64_t label = label_of(set, entries[static_cast<std::size_t>(p)]);
      classes.insert(label);
      for (Index k = 1; k < 4; ++k) {
        EXPECT_EQ(label_of(set, entries[static_cast<std::size_t>(k * 3 + p)]), label);
      }
    }
    EXPECT_EQ(classes.size(), 3U);
  }
}

TEST(PxkSampler, ClassesComeEquallyOftenAndSamplesAreUsedUpFirst) {
  const std::vector<Index> sizes{5, 6, 7, 8, 9, 10, 11};
  const TrainingSet set = set_of(sizes);
  const auto sampler = sampler_of("classes = 3\nsamples_per_class = 4", set);
  std::map<std::int64_t, std::vector<Index>> shown;
  std::map<std::int64_t, Index> batches;
  for (Index step = 0; step < 7 * 20; ++step) {
    const std::vector<Index> entries = drawn(*sampler, step);
    for (Index p = 0; p < 3; ++p) {
      const std::int64_t label = label_of(set, entries[static_cast<std::size_t>(p)]);
      ++batches[label];
      for (Index k = 0; k < 4; ++k) {
        shown[label].push_back(entries[static_cast<std::size_t>(k * 3 + p)]);
      }
    }
  }
  for (const auto& [label, count] : batches) EXPECT_EQ(count, 60);
  for (const auto& [label, entries] : shown) {
    const auto n = static_cast<std::size_t>(sizes[static_cast<std::size_t>(label)]);
    for (std::size_t first = 0; first + n <= entries.size(); first += n) {
      const auto begin = entries.begin() + static_cast<std::ptrdiff_t>(first);
      EXPECT_EQ(std::set<Index>(begin, begin + static_cast<std::ptrdiff_t>(n)).size(), n)
          << "class " << label << " from its entry " << first;
    }
  }
}

TEST(PxkSampler, SmallClassesAndTooFewClassesAreRecipeErrors) {
  const TrainingSet set = set_of({5, 2, 7});
  expect_error(ErrorKind::recipe,
               "samples_per_class = 4, but class 1 (name1) has only 2 samples; lower it, or drop "
               "small classes with min_class_size = 4 in [data]",
               [&] { sampler_of("classes = 2\nsamples_per_class = 4", set); });
  expect_error(ErrorKind::recipe, "classes = 4, but the training set has only 3 classes; lower it",
               [&] { sampler_of("classes = 4\nsamples_per_class = 2", set); });
  TrainingSet unlabelled = set_of({4});
  unlabelled.classes = 0;
  expect_error(ErrorKind::data, "but the data set has no /labels",
               [&] { sampler_of("classes = 1\nsamples_per_class = 2", unlabelled); });
}

TEST(ShuffleSampler, EachEpochShowsEveryEntryOnce) {
  const TrainingSet set = set_of({10, 13});
  const auto sampler = sampler_of("name = \"shuffle\"\nbatch = 10", set);
  EXPECT_EQ(sampler->steps_per_epoch(), 2);
  std::vector<Index> all;
  for (Index step = 0; step < 23; ++step) {
    const std::vector<Index> entries = drawn(*sampler, step);
    EXPECT_EQ(std::set<Index>(entries.begin(), entries.end()).size(), 10U);
    all.insert(all.end(), entries.begin(), entries.end());
  }
  std::set<std::vector<Index>> orders;
  for (std::ptrdiff_t epoch = 0; epoch < 10; ++epoch) {
    const std::vector<Index> order(all.begin() + 23 * epoch, all.begin() + 23 * (epoch + 1));
    EXPECT_EQ(std::set<Index>(order.begin(), order.end()).size(), 23U);
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 10U);
  expect_error(ErrorKind::recipe, "batch = 24, but the training set has only 23 samples",
               [&] { sampler_of("name = \"shuffle\"\nbatch = 24", set); });
}

TEST(BalancedSampler, ClassesComeEquallyOften) {
  const TrainingSet set = set_of({1, 50, 7});
  const auto sampler = sampler_of("name = \"balanced\"\nbatch = 8", set);
  std::map<std::int64_t, Index> count;
  std::set<Index> seen;
  for (Index step = 0; step < 30; ++step) {
    for (const Index entry : drawn(*sampler, step)) {
      ++count[label_of(set, entry)];
      seen.insert(entry);
    }
  }
  for (const auto& [label, times] : count) EXPECT_EQ(times, 80);
  EXPECT_EQ(seen.size(), 58U);
}

TEST(Sampler, RegistryIsNamedInErrors) {
  expect_error(ErrorKind::recipe, "shuffle", [&] {
    sampler_of("name = \"shufle\"", set_of({4, 4}));
  });
  expect_error(ErrorKind::recipe, "did you mean 'samples_per_class'",
               [&] { sampler_of("samples_per_clas = 2", set_of(std::vector<Index>(32, 4))); });
}

// What is drawn is a function of (seed, step): in any order of steps, from a new sampler or a used
// one. Runs over the registry.
TEST(Sampler, DrawsDependOnSeedAndStepAlone) {
  const TrainingSet set = set_of(std::vector<Index>(37, 5));
  for (const SamplerEntry& row : sampler_registry()) {
    const std::string text = "name = \"" + std::string(row.name) + "\"\n";
    const auto forward = sampler_of(text, set);
    std::vector<std::vector<Index>> expected;
    for (Index step = 0; step < 60; ++step) expected.push_back(drawn(*forward, step));
    const auto backward = sampler_of(text, set);
    for (Index step = 59; step >= 0; --step) {
      EXPECT_EQ(drawn(*backward, step), expected[static_cast<std::size_t>(step)]) << row.name;
    }
    const auto resumed = sampler_of(text, set);
    EXPECT_EQ(drawn(*resumed, 41), expected[41]) << row.name;
    const auto other = sampler_of(text, set, 2);
    EXPECT_NE(drawn(*other, 0), expected[0]) << row.name;
    EXPECT_NE(expected[0], expected[1]) << row.name;
  }
}

/// How often samples of a batch meet kin and others in it, over many batches.
BatchPairs counted(Sampler& sampler, const TrainingSet& set) {
  constexpr Index kSteps = 2000;
  double kin = 0;
  double others = 0;
  for (Index step = 0; step < kSteps; ++step) {
    std::map<std::int64_t, Index> rows;
    for (const Index entry : drawn(sampler, step)) ++rows[label_of(set, entry)];
    for (const auto& [label, count] : rows) {
      if (count > 1) kin += static_cast<double>(count);
      if (count < sampler.batch()) others += static_cast<double>(count);
    }
  }
  const auto all = static_cast<double>(kSteps * sampler.batch());
  return {kin / all, others / all, {}, {}};
}

// What is said of pairs is what batches hold: nothing where there are none, and about so many.
TEST(Samplers, KnowHowOftenSamplesMeetOthersOfTheirClassAndOfAnother) {
  const TrainingSet even = set_of(std::vector<Index>(12, 6));
  const TrainingSet uneven = set_of({1, 1, 1, 2, 2, 3, 5, 9, 40});
  const TrainingSet singles = set_of(std::vector<Index>(20, 1));
  const TrainingSet one = set_of({30});
  for (const auto& [text, set] : {std::pair("classes = 4\nsamples_per_class = 3", &even),
                                  {"classes = 12\nsamples_per_class = 1", &even},
                                  {"classes = 1\nsamples_per_class = 4", &even},
                                  {"name = 'shuffle'\nbatch = 8", &even},
                                  {"name = 'shuffle'\nbatch = 1", &even},
                                  {"name = 'shuffle'\nbatch = 8", &uneven},
                                  {"name = 'shuffle'\nbatch = 8", &singles},
                                  {"name = 'shuffle'\nbatch = 8", &one},
                                  {"name = 'balanced'\nbatch = 4", &even},
                                  {"name = 'balanced'\nbatch = 12", &even},
                                  {"name = 'balanced'\nbatch = 24", &even},
                                  {"name = 'balanced'\nbatch = 1", &even},
                                  {"name = 'balanced'\nbatch = 5", &even},
                                  {"name = 'balanced'\nbatch = 8", &uneven}}) {
    SCOPED_TRACE(std::string(text) + " of " + std::to_string(set->classes));
    const auto sampler = sampler_of(text, *set);
    const BatchPairs& said = sampler->pairs();
    const BatchPairs found = counted(*sampler, *set);
    EXPECT_EQ(said.kin == 0, found.kin == 0) << said.kin << " " << found.kin;
    EXPECT_EQ(said.others == 0, found.others == 0) << said.others << " " << found.others;
    // Of a batch that ends one round and begins another it is an estimate.
    const double tolerance = std::string(text).find("balanced") != std::string::npos ? 0.3 : 0.02;
    EXPECT_NEAR(said.kin, found.kin, tolerance);
    EXPECT_NEAR(said.others, found.others, tolerance);
    if (said.kin == 0 && set != &singles) {
      EXPECT_NE(said.no_kin.find("[sampler] "), said.no_kin.npos);
    }
    if (said.others == 0 && set != &one) {
      EXPECT_NE(said.no_others.find("[sampler] "), said.no_others.npos);
    }
  }
}

}  // namespace
}  // namespace kindred
