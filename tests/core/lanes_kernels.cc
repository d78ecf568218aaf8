#include "lanes_kernels.h"

#include "core/lanes.h"

namespace kindred {
namespace {

#define KINDRED_UNARY(name, expression)                        \
  void name##_all(const float* src, float* dst, Index count) { \
    for (Index i = 0; i < count; i += kLanes) {                \
      const Lanes x = load(src + i);                           \
      store(dst + i, expression);                              \
    }                                                          \
  }
KINDRED_UNARY(exp, exp(x))
KINDRED_UNARY(log, log(x))
KINDRED_UNARY(softplus, softplus(x))
KINDRED_UNARY(sigmoid, sigmoid(x))
KINDRED_UNARY(sqrt, sqrt(x))
KINDRED_UNARY(abs, abs(x))
KINDRED_UNARY(negative, -x)
KINDRED_UNARY(whole, to_scalar(to_int(x)))

#define KINDRED_BINARY(name, Number, expression)                              \
  void name##_all(const float* a, const float* b, Number* dst, Index count) { \
    for (Index i = 0; i < count; i += kLanes) {                               \
      const Lanes x = load(a + i);                                            \
      const Lanes y = load(b + i);                                            \
      store(dst + i, expression);                                             \
    }                                                                         \
  }
KINDRED_BINARY(plus, float, x + y)
KINDRED_BINARY(minus, float, x - y)
KINDRED_BINARY(times, float, x* y)
KINDRED_BINARY(over, float, x / y)
KINDRED_BINARY(max, float, max(x, y))
KINDRED_BINARY(min, float, min(x, y))
KINDRED_BINARY(smaller_or_seven, float, select(x < y, x, broadcast(7)))
KINDRED_BINARY(less, std::int32_t, x < y)
KINDRED_BINARY(less_equal, std::int32_t, x <= y)
KINDRED_BINARY(greater, std::int32_t, x > y)
KINDRED_BINARY(greater_equal, std::int32_t, x >= y)
KINDRED_BINARY(equal, std::int32_t, x == y)
KINDRED_BINARY(not_equal, std::int32_t, x != y)

void bits(const std::int32_t* a, const std::int32_t* b, std::int32_t* dst) {
  store(dst, (load(a) & ~load(b)) | (load(a) << 3));
}
void shifted(const std::int32_t* a, const std::int32_t* b, std::int32_t* dst) {
  IntLanes x = load(a);
  x += 5;
  x -= load(b);
  store(dst, x >> 2);
}
bool any_of(const std::int32_t* mask) { return any(load(mask)); }
void first(const float* src, Index n, float* dst) { store(dst, first_lanes(load(src), n, -1)); }
void part(const float* src, Index n, float* dst) { store(dst, load_part(src, n, -1)); }
void store_first(const float* src, Index n, float* dst) { store_part(dst, n, load(src)); }
void count(Index from, std::int32_t* dst) { store(dst, count_from(from)); }
float largest_of(const float* src) { return largest(load(src)); }
double sum(const float* src, Index count, double* lanes) {
  LaneSum sum;
  for (Index i = 0; i < count; i += kLanes) sum.add(load(src + i));
  for (Index l = 0; l < kLanes; ++l) lanes[l] = sum.lane(l);
  return sum.total();
}
double dot_of(const float* a, const float* b, Index count) { return dot(a, b, count); }
double difference(const float* a, const float* b, Index count) {
  return squared_difference(a, b, count);
}

}  // namespace

KINDRED_OFFER(LanesKernels, {exp_all,
                             log_all,
                             softplus_all,
                             sigmoid_all,
                             sqrt_all,
                             abs_all,
                             negative_all,
                             whole_all,
                             plus_all,
                             minus_all,
                             times_all,
                             over_all,
                             max_all,
                             min_all,
                             smaller_or_seven_all,
                             less_all,
                             less_equal_all,
                             greater_all,
                             greater_equal_all,
                             equal_all,
                             not_equal_all,
                             bits,
                             shifted,
                             any_of,
                             first,
                             part,
                             store_first,
                             count,
                             largest_of,
                             sum,
                             dot_of,
                             difference});

}  // namespace kindred
