#include "kindred/core/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/matmul_tile.h"
#include "kindred/core/random.h"

namespace kindred {
namespace {

enum class Form { nt, nn, tn };
constexpr Form kForms[] = {Form::nt, Form::nn, Form::tn};

template <typename T>
constexpr T kNan = std::numeric_limits<T>::quiet_NaN();

/// A matrix whose rows are `gap` elements apart and whose gaps hold NaN: an element read or
/// written outside the matrix shows.
template <typename T>
struct Framed {
  Framed(Index rows, Index cols, Index gap = 3)
      : all(static_cast<std::size_t>(rows * (cols + gap) + gap), kNan<T>),
        view(all.data(), rows, cols, cols + gap) {}
  bool frame_is_whole() const {
    for (Index i = 0; i < view.rows(); ++i) {
      for (Index j = view.cols(); j < view.stride(); ++j) {
        if (!std::isnan(view.data()[i * view.stride() + j])) return false;
      }
    }
    return true;
  }
  std::vector<T> all;
  BasicView<T> view;
};

template <typename T>
Framed<T> random_matrix(Index rows, Index cols, std::uint64_t seed) {
  Framed<T> m(rows, cols);
  Random random(seed, Purpose::test);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < cols; ++j) m.view(i, j) = static_cast<T>(random.uniform(-1.0F, 1.0F));
  }
  return m;
}

template <typename T>
void multiply(Form form, const Workers& workers, BasicView<const T> a, BasicView<const T> b,
              BasicView<T> dst, Accumulate accumulate = Accumulate::no) {
  switch (form) {
    case Form::nt: return multiply_nt(workers, a, b, dst, accumulate);
    case Form::nn: return multiply_nn(workers, a, b, dst, accumulate);
    case Form::tn: return multiply_tn(workers, a, b, dst, accumulate);
  }
}

/// Operands of one product in the layout its form asks for.
template <typename T>
struct Case {
  Case(Form f, Index m, Index n, Index k)
      : form(f),
        depth(k),
        a(f == Form::tn ? random_matrix<T>(k, m, 1) : random_matrix<T>(m, k, 1)),
        b(f == Form::nt ? random_matrix<T>(n, k, 2) : random_matrix<T>(k, n, 2)),
        dst(m, n) {}
  T left(Index i, Index k) const { return form == Form::tn ? a.view(k, i) : a.view(i, k); }
  T right(Index j, Index k) const { return form == Form::nt ? b.view(j, k) : b.view(k, j); }
  void run(const Workers& workers, Accumulate accumulate = Accumulate::no) {
    multiply<T>(form, workers, a.view, b.view, dst.view, accumulate);
  }
  double naive(Index i, Index j) const {
    double sum = 0;
    for (Index k = 0; k < depth; ++k) {
      sum += static_cast<double>(left(i, k)) * static_cast<double>(right(j, k));
    }
    return sum;
  }
  Form form;
  Index depth;
  Framed<T> a;
  Framed<T> b;
  Framed<T> dst;
};

template <typename T>
bool same_bits(BasicView<const T> a, BasicView<const T> b) {
  for (Index i = 0; i < a.rows(); ++i) {
    if (std::memcmp(a.row(i), b.row(i), static_cast<std::size_t>(a.cols()) * sizeof(T)) != 0) {
      return false;
    }
  }
  return true;
}

/// Terms of size <= 1 in chains of at most 256 and at most depth / 256 additions of chains: each
/// addition rounds a sum of size <= depth by half a unit. Random signs keep sums near sqrt(depth),
/// so this is generous, and far below the 0.1 of one missing or doubled term.
template <typename T>
double tolerance(Index depth) {
  const auto terms = static_cast<double>(depth + 1);
  return std::sqrt(terms) * 256 * static_cast<double>(std::numeric_limits<T>::epsilon()) / 2;
}

template <typename T>
void check_against_naive(Form form, Index m, Index n, Index k) {
  SCOPED_TRACE(testing::Message() << "form " << static_cast<int>(form) << ", " << m << " x " << n
                                  << " x " << k);
  const Workers workers(2);
  Case<T> c(form, m, n, k);
  c.run(workers);
  ASSERT_TRUE(c.dst.frame_is_whole());
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < n; ++j) {
      ASSERT_NEAR(c.dst.view(i, j), c.naive(i, j), tolerance<T>(k)) << i << ", " << j;
    }
  }
  // Again on top: + another product. The old content counts.
  c.run(workers, Accumulate::yes);
  ASSERT_TRUE(c.dst.frame_is_whole());
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < n; ++j) {
      ASSERT_NEAR(c.dst.view(i, j), 2 * c.naive(i, j), 3 * tolerance<T>(k)) << i << ", " << j;
    }
  }
}

template <typename T>
class MatmulOf : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(MatmulOf, Types);

TYPED_TEST(MatmulOf, AgreesWithNaiveAtEverySmallSize) {
  for (const Form form : kForms) {
    for (const Index m : {1, 2, 5, 6, 7, 13, 14, 15, 29}) {
      for (const Index n : {1, 3, 8, 15, 16, 17, 31, 32, 33, 65}) {
        for (const Index k : {1, 2, 7, 15, 16, 17, 40}) {
          check_against_naive<TypeParam>(form, m, n, k);
          if (this->HasFatalFailure()) return;
        }
      }
    }
  }
}

TYPED_TEST(MatmulOf, AgreesWithNaiveWhereSizesCrossBlocks) {
  struct Size {
    Index m, n, k;
  };
  // Beyond a chain (256), a block (280 x 512), a slab of depth (4096), rows too long to be read
  // in place (2048 bytes), and what is packed by the tasks themselves.
  for (const Size s :
       {Size{3, 5, 255}, Size{3, 5, 256}, Size{3, 5, 257}, Size{15, 33, 4097}, Size{281, 20, 300},
        Size{20, 513, 300}, Size{300, 600, 70}, Size{600, 1100, 9}, Size{2, 2, 9000}}) {
    for (const Form form : kForms) {
      check_against_naive<TypeParam>(form, s.m, s.n, s.k);
      if (this->HasFatalFailure()) return;
    }
  }
}

TYPED_TEST(MatmulOf, WorksThroughSlabsOfRowsAndColumns) {
  // A slab holds 2^22 / 4096 = 1024 vectors of depth 4096 (rounded up to panels).
  const Workers workers(2);
  Case<TypeParam> c(Form::nt, 3, 1100, 4100);
  c.run(workers);
  Case<TypeParam> d(Form::tn, 1100, 3, 4100);
  d.run(workers);
  for (const Index j : {0, 1023, 1024, 1025, 1055, 1056, 1099}) {
    ASSERT_NEAR(c.dst.view(2, j), c.naive(2, j), tolerance<TypeParam>(4100)) << j;
    ASSERT_NEAR(d.dst.view(j, 2), d.naive(j, 2), tolerance<TypeParam>(4100)) << j;
  }
}

TYPED_TEST(MatmulOf, DoesNothingWithoutElements) {
  const Workers workers(2);
  for (const Form form : kForms) {
    Case<TypeParam>(form, 0, 4, 3).run(workers);
    Case<TypeParam>(form, 4, 0, 3).run(workers);
  }
}

TYPED_TEST(MatmulOf, OfDepthZeroIsZero) {
  const Workers workers(2);
  for (const Form form : kForms) {
    Case<TypeParam> c(form, 3, 4, 0);
    c.run(workers);
    EXPECT_EQ(c.dst.view(2, 3), 0);
    c.dst.view.fill(5);
    c.run(workers, Accumulate::yes);
    EXPECT_EQ(c.dst.view(2, 3), 5);
  }
}

TYPED_TEST(MatmulOf, IsTheTransposeOfTheProductTurnedRound) {
  const Workers workers(2);
  const auto a = random_matrix<TypeParam>(75, 700, 1);
  const auto b = random_matrix<TypeParam>(131, 700, 2);
  Framed<TypeParam> ab(75, 131);
  Framed<TypeParam> ba(131, 75);
  multiply_nt<TypeParam>(workers, a.view, b.view, ab.view);
  multiply_nt<TypeParam>(workers, b.view, a.view, ba.view);
  for (Index i = 0; i < 75; ++i) {
    for (Index j = 0; j < 131; ++j) ASSERT_EQ(ab.view(i, j), ba.view(j, i)) << i << ", " << j;
  }
}

TYPED_TEST(MatmulOf, HasTheSameBitsInEveryForm) {
  const Workers workers(2);
  Case<TypeParam> nt(Form::nt, 61, 97, 600);
  Case<TypeParam> nn(Form::nn, 61, 97, 600);
  Case<TypeParam> tn(Form::tn, 61, 97, 600);
  for (Index k = 0; k < 600; ++k) {
    for (Index j = 0; j < 97; ++j) nn.b.view(k, j) = tn.b.view(k, j) = nt.b.view(j, k);
    for (Index i = 0; i < 61; ++i) nn.a.view(i, k) = tn.a.view(k, i) = nt.a.view(i, k);
  }
  nt.run(workers);
  nn.run(workers);
  tn.run(workers);
  EXPECT_TRUE(same_bits<TypeParam>(nt.dst.view, nn.dst.view));
  EXPECT_TRUE(same_bits<TypeParam>(nt.dst.view, tn.dst.view));
}

// Equal rows give equal bits wherever they stand: every third row of a and of b is the same, which
// puts copies at the first and last place of every tile and block and in the remainders.
TYPED_TEST(MatmulOf, GivesEqualBitsToEqualRowsWhereverTheyStand) {
  const Workers workers(2);
  for (const Index k : {5, 128, 600}) {
    auto a = random_matrix<TypeParam>(601, k, 1);
    auto b = random_matrix<TypeParam>(1063, k, 2);
    for (Index i = 0; i < 601; i += 3) std::copy_n(a.view.row(600), k, a.view.row(i));
    for (Index j = 0; j < 1063; j += 3) std::copy_n(b.view.row(0), k, b.view.row(j));
    Framed<TypeParam> dst(601, 1063);
    multiply_nt<TypeParam>(workers, a.view, b.view, dst.view);
    for (Index i = 0; i < 601; i += 3) {
      for (Index j = 0; j < 1063; j += 3)
        ASSERT_EQ(dst.view(i, j), dst.view(0, 0)) << i << " " << j;
    }
    // The same two rows in a product of another shape.
    Framed<TypeParam> one(1, 1);
    multiply_nt<TypeParam>(workers, a.view.rows_from(600, 1), b.view.rows_from(0, 1), one.view);
    EXPECT_EQ(one.view(0, 0), dst.view(0, 0));
  }
}

TYPED_TEST(MatmulOf, HasTheSameBitsForAnyNumberOfThreads) {
  struct Size {
    Index m, n, k;
  };
  for (const Size s : {Size{128, 130, 900}, Size{700, 40, 300}, Size{40, 1200, 300},
                       Size{600, 700, 100}, Size{30, 20, 5000}}) {
    for (const Form form : kForms) {
      Case<TypeParam> first(form, s.m, s.n, s.k);
      first.run(Workers(1));
      for (const int threads : {2, 3, 8}) {
        Case<TypeParam> again(form, s.m, s.n, s.k);
        again.run(Workers(threads));
        ASSERT_TRUE(same_bits<TypeParam>(first.dst.view, again.dst.view))
            << threads << " threads, form " << static_cast<int>(form) << ", " << s.m << " x " << s.n
            << " x " << s.k;
      }
    }
  }
}

// A thread that waits for its product may be given another task, and a task may multiply: packing
// memory must not be shared between the two.
template <typename T>
void expect_itself_as_any_other() {
  for (const auto& [rows, depth] : {std::pair<Index, Index>{0, 5},
                                    {1, 1},
                                    {13, 3},
                                    {97, 0},
                                    {225, 17},
                                    {448, 300},
                                    {700, 64},
                                    {1100, 5000}}) {
    const Framed<T> a = random_matrix<T>(rows, depth, 21);
    for (const int threads : {1, 2, 3}) {
      const Workers workers(threads);
      Framed<T> expected(rows, rows);
      Framed<T> found(rows, rows);
      multiply_nt<T>(workers, a.view, a.view, expected.view);
      multiply_with_itself<T>(workers, a.view, found.view);
      EXPECT_TRUE(found.frame_is_whole());
      for (Index i = 0; i < rows; ++i) {
        ASSERT_EQ(std::memcmp(found.view.row(i), expected.view.row(i),
                              static_cast<std::size_t>(rows) * sizeof(T)),
                  0)
            << rows << " x " << depth << ", row " << i << ", " << threads << " threads";
      }
    }
  }
}

TEST(Matmul, OfAMatrixWithItselfGivesTheBitsOfAnyOther) {
  expect_itself_as_any_other<float>();
  expect_itself_as_any_other<double>();
}

TEST(Matmul, MayBeCalledFromTasksOfItsOwnWorkers) {
  const Workers workers(3);
  const auto a = random_matrix<float>(200, 300, 1);
  const auto b = random_matrix<float>(210, 300, 2);
  Framed<float> expected(200, 210);
  multiply_nt<float>(workers, a.view, b.view, expected.view);
  std::vector<Framed<float>> results(24, Framed<float>(200, 210));
  const Workers smaller(2);
  workers.for_each(24, [&](Index task, int) {
    auto& dst = results[static_cast<std::size_t>(task)];
    dst.view = {dst.all.data(), 200, 210, 213};
    multiply_nt<float>(task % 2 == 0 ? workers : smaller, a.view, b.view, dst.view);
  });
  for (auto& result : results) {
    EXPECT_TRUE(
        same_bits<float>(expected.view, BasicView<float>(result.all.data(), 200, 210, 213)));
  }
}

TEST(Matmul, PassesNotANumberOnOnlyToItsOwnRowAndColumn) {
  const Workers workers(2);
  Case<float> c(Form::nt, 40, 70, 30);
  c.a.view(17, 3) = kNan<float>;
  c.b.view(33, 29) = std::numeric_limits<float>::infinity();
  c.run(workers);
  for (Index i = 0; i < 40; ++i) {
    for (Index j = 0; j < 70; ++j) {
      ASSERT_EQ(std::isfinite(c.dst.view(i, j)), i != 17 && j != 33) << i << ", " << j;
    }
  }
}

}  // namespace
}  // namespace kindred
