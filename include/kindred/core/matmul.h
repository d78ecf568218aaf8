#pragma once
#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"

namespace KINDRED_API kindred {

/// What becomes of the destination's old content.
enum class Accumulate { no, yes };

/// dst = a bᵀ (or dst += a bᵀ).    a [M, K], b [N, K], dst [M, N].
/// An element depends only on its two rows and K, never on their place: equal rows give equal
/// bits, and a bᵀ is bit for bit the transpose of b aᵀ. Parallel over blocks of dst; the same bits
/// for any number of threads. No allocation after the first calls of a size.
/// T is float or double.
template <typename T>
void multiply_nt(const Workers& workers, BasicView<const T> a, BasicView<const T> b,
                 BasicView<T> dst, Accumulate accumulate = Accumulate::no);

/// dst = a aᵀ, at little more than half the cost: the same bits as multiply_nt(a, a).
/// a [M, K], dst [M, M].
template <typename T>
void multiply_with_itself(const Workers& workers, BasicView<const T> a, BasicView<T> dst);

/// dst = a b (or dst += a b).      a [M, K], b [K, N], dst [M, N]. The same promises.
template <typename T>
void multiply_nn(const Workers& workers, BasicView<const T> a, BasicView<const T> b,
                 BasicView<T> dst, Accumulate accumulate = Accumulate::no);

/// dst = aᵀ b (or dst += aᵀ b).    a [K, M], b [K, N], dst [M, N]. The same promises.
template <typename T>
void multiply_tn(const Workers& workers, BasicView<const T> a, BasicView<const T> b,
                 BasicView<T> dst, Accumulate accumulate = Accumulate::no);

}  // namespace kindred
