// What every registered loss must hold, whatever it computes: these tests run over the registry,
// each loss with its defaults and with the variants named in variants().
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "loss/loss_run.h"
#include "support/counting_new.h"

namespace kindred::loss_test {
namespace {

struct Variant {
  std::string loss;
  std::string settings;
};

void PrintTo(const Variant& variant, std::ostream* out) {
  *out << variant.loss << " " << variant.settings;
}

/// Settings that take another path through a loss than its defaults.
const std::multimap<std::string, std::string>& further_settings() {
  static const std::multimap<std::string, std::string> settings = {
      {"adacos", "class_share = 0.7\ndynamic = false"},
      {"adacos", "dynamic = false"},
      {"arcface", "class_share = 0.5\nscale = 8"},
      {"arcface", "easy_margin = true\nscale = 16"},
      {"arcface", "margin = 1.2\nscale = 8"},
      {"arcface", "margin_warm_up = 0.5\nscale = 16"},
      {"center", "normalize = true"},
      {"center", "update = 'facenet'"},
      {"circle", "gamma = 16\nm = 0.25"},
      {"circle", "mining = 'hard'"},
      {"combined_margin", "m1 = 1.5\nm2 = 0.3\nm3 = 0.1\nscale = 8"},
      {"combined_margin", "m3 = 0.2\nscale = 8"},
      {"contrastive", "distance = 'cosine'"},
      {"contrastive", "distance = 'squared_euclidean'\nmining = 'multi_similarity'"},
      {"contrastive", "memory = 1024"},
      {"contrastive", "mining = 'hard'"},
      {"contrastive", "normalize = false\npos_margin = 0.5\nneg_margin = 4"},
      {"cosface", "scale = 8"},
      {"focal", "gamma = 0"},
      {"focal", "gamma = 0.5\nnormalize = true\nscale = 8"},
      {"histogram", "bins = 7"},
      {"island", "normalize = true\nisland = 0.5"},
      {"lifted_structure", "distance = 'squared_euclidean'\nnormalize = false"},
      {"lifted_structure", "mining = 'easy_positive'"},
      {"margin", "beta_per_class = true\nmining = 'all'"},
      {"margin", "learn_beta = false\nnormalize = false\nmining = 'hard'\nbeta = 3"},
      {"multi_similarity", "mining = 'multi_similarity'"},
      {"multi_similarity", "mining = 'semihard'"},
      {"n_pairs", "l2 = 0"},
      {"normalized_softmax", "label_smoothing = 0.2"},
      {"ntxent", "mining = 'multi_similarity'\nepsilon = 0.3"},
      {"ntxent", "temperature = 0.5"},
      {"proxy_anchor", "alpha = 8"},
      {"proxy_nca", "softmax_scale = 9"},
      {"smooth_ap", "memory = 1024"},
      {"smooth_ap", "temperature = 0.1\nmining = 'easy_positive'"},
      {"soft_triple", "centers = 1"},
      {"soft_triple", "centers = 3\ntau = 2\nla = 5"},
      {"softmax", "class_share = 0.4\nlabel_smoothing = 0.1"},
      {"softmax", "label_smoothing = 0.1"},
      {"softmax", "normalize = true\nscale = 16"},
      {"softmax", "normalize = true\nscale = 64\nlabel_smoothing = 0.1"},
      {"sphereface", "margin = 2\nscale = 3"},
      {"subcenter_arcface", "class_share = 0.6\nscale = 8\nsub_centers = 2"},
      {"subcenter_arcface", "scale = 8\nsub_centers = 2"},
      {"supcon", "memory = 1500"},
      {"supcon", "mining = 'easy_positive'"},
      {"supcon", "temperature = 0.5"},
      {"triplet", "distance = 'cosine'\nreduction = 'mean'"},
      {"triplet", "distance = 'squared_euclidean'\nswap = true"},
      {"triplet", "margin_from = 0.1\nmargin_warm_up = 0.5\nmining = 'all'"},
      {"triplet", "memory = 1024"},
      {"triplet", "mining = 'all'"},
      {"triplet", "mining = 'all'\nsoft = true\nnormalize = false"},
      {"triplet", "mining = 'all'\nsoft = true\nswap = true\ndistance = 'cosine'"},
      {"triplet", "mining = 'all'\nswap = true\nmargin = 0.5"},
      {"triplet", "mining = 'distance_weighted'\ndistance = 'cosine'"},
      {"triplet", "mining = 'easy_positive'\nsoft = true"},
      {"triplet", "mining = 'semihard'\ndistance = 'squared_euclidean'"},
      {"triplet", "mining = 'semihard'\nmemory = 2000"},
      {"triplet", "mining = 'semihard'\nswap = true"},
      {"triplet", "normalize = false"},
      {"triplet", "soft = true\nreduction = 'mean'"},
      {"triplet", "soft = true\nswap = true"},
  };
  return settings;
}

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const LossEntry& entry : loss_registry()) {
    const std::string name(entry.name);
    all.push_back({name, ""});
    const auto [first, last] = further_settings().equal_range(name);
    for (auto it = first; it != last; ++it) all.push_back({name, it->second});
  }
  return all;
}

std::vector<std::int64_t> balanced(Index classes, Index samples) {
  std::vector<std::int64_t> labels;
  for (Index k = 0; k < samples; ++k) {
    for (Index c = 0; c < classes; ++c) labels.push_back(c);
  }
  return labels;
}

/// A batch with what it must not be differentiated at.
struct Shape {
  std::string name;
  TestBatch batch;
  std::set<Index> kinks = {};  ///< rows that sit on a kink or a jump of the losses
};

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  all.push_back({"balanced", random_batch(balanced(6, 4), 10, 1)});
  all.push_back({"uneven", random_batch({0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 1, 4, 4, 5}, 5, 2)});
  all.push_back({"singletons", random_batch({4, 0, 3, 1, 2}, 8, 3)});
  all.push_back({"one_class", random_batch({2, 2, 2, 2, 2, 2}, 7, 4)});
  all.push_back({"two_rows", random_batch({0, 1}, 3, 5)});
  all.push_back({"one_row", random_batch({0}, 6, 6)});

  Shape zero{"zero_rows", random_batch(balanced(3, 3), 6, 7), {1, 3, 4}};
  for (const Index row : zero.kinks) {
    for (Index k = 0; k < 6; ++k) zero.batch.at(row, k) = 0;
  }
  all.push_back(zero);

  // Rows 0 and 3 are of one class, 1 and 5 of two; row 8 points where 2 does with another length.
  Shape equal{"equal_rows", random_batch(balanced(3, 3), 6, 8), {0, 3, 1, 5, 2, 8}};
  for (Index k = 0; k < 6; ++k) {
    equal.batch.at(3, k) = equal.batch.at(0, k);
    equal.batch.at(5, k) = equal.batch.at(1, k);
    equal.batch.at(8, k) = 3 * equal.batch.at(2, k);
  }
  all.push_back(equal);

  Shape same{"all_the_same", random_batch(balanced(3, 4), 6, 9), {}};
  for (Index i = 0; i < same.batch.size(); ++i) {
    same.kinks.insert(i);
    for (Index k = 0; k < 6; ++k) same.batch.at(i, k) = same.batch.at(0, k);
  }
  all.push_back(same);

  Shape large{"large", random_batch(balanced(128, 8), 8, 10)};
  all.push_back(large);
  // Lengths from 1e-4 to 1e4: nothing may over- or underflow.
  Shape lengths{"many_lengths", random_batch(balanced(4, 3), 6, 11), {}};
  for (Index i = 0; i < lengths.batch.size(); ++i) {
    lengths.kinks.insert(i);
    for (Index k = 0; k < 6; ++k) {
      lengths.batch.at(i, k) *= std::pow(10.0, static_cast<double>(i % 9) - 4);
    }
  }
  all.push_back(lengths);
  return all;
}

class EveryLoss : public testing::TestWithParam<Variant> {
 protected:
  std::string recipe() const { return one_loss(GetParam().loss, GetParam().settings); }
};

bool is_gap(const ParameterTable& table, Index element) {
  return std::none_of(table.segments().begin(), table.segments().end(), [&](const Segment& s) {
    return element >= s.offset && element < s.offset + s.size;
  });
}

TEST_P(EveryLoss, GivesFiniteNumbersAndWritesItsOwnSegmentsOnly) {
  for (const Shape& shape : shapes()) {
    LossRun run(recipe(), shape.batch);
    for (int step = 0; step < 3; ++step) {
      EXPECT_TRUE(std::isfinite(run.compute())) << shape.name;
      for (Index i = 0; i < shape.batch.size(); ++i) {
        for (Index k = 0; k < shape.batch.depth; ++k) {
          ASSERT_TRUE(std::isfinite(run.gradient()(i, k))) << shape.name << " row " << i;
        }
      }
      for (Index p = 0; p < run.table().size(); ++p) {
        const Scalar g = run.parameter_gradient()[static_cast<std::size_t>(p)];
        ASSERT_EQ(is_gap(run.table(), p), std::isnan(g)) << shape.name << " parameter " << p;
        ASSERT_FALSE(std::isinf(g)) << shape.name << " parameter " << p;
      }
      for (const LossScalar& scalar : run.report().scalars) {
        EXPECT_TRUE(std::isfinite(scalar.value)) << shape.name << " " << scalar.name;
      }
    }
  }
}

/// Class rows (weights, proxies) that point exactly or almost where the first embedding of their
/// class points, or the other way: cosines at ±1, where acos and sqrt have no bounded slope.
void point_at_embeddings(LossRun& run, TestBatch& batch, double off) {
  for (const Segment& segment : run.table().segments()) {
    if (segment.size % (batch.classes * batch.depth) != 0) continue;
    const Index rows_of_class = segment.size / (batch.classes * batch.depth);
    for (Index p = 0; p < segment.size; ++p) {
      const Index c = p / batch.depth / rows_of_class;
      const double sign = c % 2 == 0 ? 1 : -1;
      const double number = batch.at(c, p % batch.depth) * sign * (1 + (p % 3 == 0 ? off : 0));
      run.parameters()[static_cast<std::size_t>(segment.offset + p)] = static_cast<Scalar>(number);
    }
  }
}

TEST_P(EveryLoss, StaysFiniteWhereCosinesToClassRowsAreOne) {
  TestBatch batch = random_batch(balanced(6, 4), 10, 15);  // row c is of class c
  for (const double off : {0.0, 1e-9, 1e-7, 1e-6, 1e-5, 1e-4}) {
    LossRun run(recipe(), batch);
    point_at_embeddings(run, batch, off);
    EXPECT_TRUE(std::isfinite(run.compute())) << off;
    for (Index i = 0; i < batch.size(); ++i) {
      for (Index k = 0; k < batch.depth; ++k) {
        ASSERT_TRUE(std::isfinite(run.gradient()(i, k))) << off << " row " << i;
      }
    }
    for (Index p = 0; p < run.table().size(); ++p) {
      if (is_gap(run.table(), p)) continue;
      ASSERT_TRUE(std::isfinite(run.parameter_gradient()[static_cast<std::size_t>(p)])) << off;
    }
  }
}

#if defined(KINDRED_DOUBLE)

/// Losses that count a part of their value as a constant, as published: their gradient is another
/// than the value's. The reference numbers hold them, memory_test the memory.
bool gradient_is_not_of_the_value(const Variant& variant) {
  return variant.loss == "circle" || (variant.loss == "adacos" && variant.settings.empty()) ||
         variant.settings.find("memory") != std::string::npos;
}

/// All rows are equally far from a zero row, some of them exactly a margin: which pairs are chosen
/// or counted there jumps.
bool jumps_at_ties(const Variant& variant) {
  return variant.loss == "contrastive" || variant.loss == "margin" ||
         variant.settings.find("mining") != std::string::npos;
}

/// Central difference of the value by one number, h = 1e-6 (truncation ~ h² f''', rounding ~
/// 1e-16 f / h = 1e-10 f). A hinge between −h and +h makes it wrong by chance: then a step ten
/// times shorter decides.
double central_difference(LossRun& run, Scalar& number, double h) {
  const Scalar before = number;
  number = before + h;
  const double above = run.compute_without_moving();
  number = before - h;
  const double below = run.compute_without_moving();
  number = before;
  return (above - below) / (2 * h);
}

void check_number(LossRun& run, Scalar& number, double gradient, double largest,
                  const std::string& what) {
  const double tolerance = 2e-6 * std::max(1.0, largest);
  double found = central_difference(run, number, 1e-6);
  if (std::abs(found - gradient) > tolerance) found = central_difference(run, number, 1e-7);
  EXPECT_NEAR(found, gradient, tolerance) << what;
}

TEST_P(EveryLoss, GradientIsTheCentralDifference) {
  if (gradient_is_not_of_the_value(GetParam())) GTEST_SKIP() << "constant parts, as published";
  for (const Shape& shape : shapes()) {
    if (shape.name == "zero_rows" && jumps_at_ties(GetParam())) continue;
    LossRun run(recipe() + "weight = 1.5\n", shape.batch);
    run.compute();  // state away from its start
    const double value = run.compute_without_moving();
    const ScalarMatrix gradient = [&] {
      ScalarMatrix copy(shape.batch.size(), shape.batch.depth);
      std::memcpy(copy.data(), run.gradient().data(),
                  static_cast<std::size_t>(copy.rows() * copy.stride()) * sizeof(Scalar));
      return copy;
    }();
    const std::vector<Scalar> weights = run.parameter_gradient();
    double largest = std::abs(value) * 1e-3;
    for (Index i = 0; i < gradient.rows(); ++i) {
      for (Index k = 0; k < gradient.cols(); ++k)
        largest = std::max(largest, std::abs(gradient(i, k)));
    }
    // All numbers of a small batch; of a large one a few.
    Random random(3, Purpose::test);
    const bool small = shape.batch.size() <= 24;
    for (Index n = 0; n < (small ? shape.batch.size() : 4); ++n) {
      const Index i = small ? n : random.below(shape.batch.size());
      if (shape.kinks.contains(i)) continue;
      for (Index k = 0; k < (small ? shape.batch.depth : 1); ++k) {
        check_number(run, run.embeddings()(i, k), gradient(i, k), largest,
                     shape.name + " row " + std::to_string(i));
      }
    }
    if (!shape.kinks.empty()) continue;  // proxies meet equal rows there
    double largest_weight = std::abs(value) * 1e-3;
    for (const Scalar g : weights) {
      if (!std::isnan(g)) largest_weight = std::max(largest_weight, std::abs(g));
    }
    for (const Segment& segment : run.table().segments()) {
      for (Index n = 0; n < std::min<Index>(segment.size, small ? 40 : 4); ++n) {
        const Index p = segment.offset + (segment.size <= 40 ? n : random.below(segment.size));
        check_number(run, run.parameters()[static_cast<std::size_t>(p)],
                     weights[static_cast<std::size_t>(p)], largest_weight,
                     shape.name + " parameter " + std::to_string(p));
      }
    }
  }
}

#endif

TEST_P(EveryLoss, GivesTheSameBitsForAnyNumberOfThreads) {
  const TestBatch batch = random_batch(balanced(25, 5), 24, 12);
  std::vector<unsigned char> expected;
  for (const int threads : {1, 2, 3, 8}) {
    LossRun run(recipe(), batch, threads);
    std::vector<unsigned char> found;
    for (run.step = 0; run.step < 3; ++run.step) found = run.fingerprint(run.compute());
    if (expected.empty()) expected = found;
    EXPECT_TRUE(found == expected) << threads << " threads";
  }
}

TEST_P(EveryLoss, AllocatesNothingAfterItsFirstStep) {
  LossRun run(recipe(), random_batch(balanced(12, 4), 16, 13), 1);
  run.compute();
  const test::AllocationCount count;
  run.compute_only();
  EXPECT_EQ(count.count(), 0U);
}

TEST_P(EveryLoss, ScalesItsGradientButNotItsValueOrStateByItsWeight) {
  const TestBatch batch = random_batch(balanced(6, 4), 8, 14);
  LossRun plain(recipe(), batch);
  LossRun halved(recipe() + "weight = 0.5\n", batch);  // exact in binary
  plain.compute();
  halved.compute();
  EXPECT_EQ(plain.report().value, halved.report().value);
  double largest = 0;
  for (Index i = 0; i < batch.size(); ++i) {
    for (Index k = 0; k < batch.depth; ++k) {
      largest = std::max(largest, std::abs(static_cast<double>(plain.gradient()(i, k))));
    }
  }
  // float32: sums of some hundred terms, rounded at other places: 1e-5 of the largest.
  const double tolerance = sizeof(Scalar) == 4 ? 1e-5 * largest : 1e-13 * largest;
  for (Index i = 0; i < batch.size(); ++i) {
    for (Index k = 0; k < batch.depth; ++k) {
      EXPECT_NEAR(static_cast<double>(plain.gradient()(i, k)),
                  2 * static_cast<double>(halved.gradient()(i, k)), tolerance);
    }
  }
  for (std::size_t a = 0; a < plain.state().arrays().size(); ++a) {
    const auto x = plain.state().arrays()[a]->bytes.span();
    const auto y = halved.state().arrays()[a]->bytes.span();
    EXPECT_TRUE(std::equal(x.begin(), x.end(), y.begin(), y.end()));
  }
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryLoss, testing::ValuesIn(variants()),
                         [](const testing::TestParamInfo<Variant>& one) {
                           std::string name = one.param.loss + "_" + one.param.settings;
                           std::string plain;
                           for (const char c : name) {
                             if (std::isalnum(c) != 0) {
                               plain += c;
                             } else if (!plain.empty() && plain.back() != '_') {
                               plain += '_';
                             }
                           }
                           return plain;
                         });

TEST(LossRegistry, IsSortedByNameAndDescribesEach) {
  const auto entries = loss_registry();
  EXPECT_TRUE(
      std::is_sorted(entries.begin(), entries.end(),
                     [](const LossEntry& a, const LossEntry& b) { return a.name < b.name; }));
  for (const LossEntry& entry : entries) EXPECT_FALSE(entry.summary.empty()) << entry.name;
}

}  // namespace
}  // namespace kindred::loss_test
