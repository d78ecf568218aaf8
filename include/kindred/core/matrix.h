#pragma once
#include <algorithm>
#include <cassert>
#include <type_traits>

#include "kindred/core/buffer.h"
#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

/// A row-major matrix somebody else owns: element (i, j) is data()[i * stride() + j].
/// Passed by value. `BasicView<const T>` only reads; `BasicView<T>` converts to it.
template <typename T>
class BasicView {
 public:
  BasicView() = default;
  BasicView(T* data, Index rows, Index cols, Index stride)
      : data_(data), rows_(rows), cols_(cols), stride_(stride) {}
  BasicView(T* data, Index rows, Index cols) : BasicView(data, rows, cols, cols) {}
  template <typename U>
  requires(std::is_same_v<T, const U>)
      BasicView(BasicView<U> other)  // NOLINT: a view to write is a view to read
      : BasicView(other.data(), other.rows(), other.cols(), other.stride()) {}

  T* data() const { return data_; }
  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index stride() const { return stride_; }
  bool empty() const { return rows_ == 0 || cols_ == 0; }
  T* row(Index i) const {
    assert(i >= 0 && i < rows_);
    return data_ + i * stride_;
  }
  T& operator()(Index i, Index j) const {
    assert(j >= 0 && j < cols_);
    return row(i)[j];
  }
  /// Rows [first, first + count).
  BasicView rows_from(Index first, Index count) const {
    assert(first >= 0 && first + count <= rows_);
    return {data_ + first * stride_, count, cols_, stride_};
  }
  void fill(std::remove_const_t<T> value) const requires(!std::is_const_v<T>) {
    for (Index i = 0; i < rows_; ++i) std::fill_n(row(i), cols_, value);
  }

 private:
  T* data_ = nullptr;
  Index rows_ = 0;
  Index cols_ = 0;
  Index stride_ = 0;
};

/// Owns a row-major matrix whose rows all start on a 64-byte boundary; zero at first.
template <typename T>
class BasicMatrix {
 public:
  BasicMatrix() = default;
  BasicMatrix(Index rows, Index cols)
      : rows_(rows),
        cols_(cols),
        stride_(round_up(cols, kAlignment / static_cast<Index>(sizeof(T)))),
        buffer_(rows * stride_) {}

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index stride() const { return stride_; }
  T* data() { return buffer_.data(); }
  const T* data() const { return buffer_.data(); }
  T* row(Index i) { return view().row(i); }
  const T* row(Index i) const { return view().row(i); }
  T& operator()(Index i, Index j) { return view()(i, j); }
  const T& operator()(Index i, Index j) const { return view()(i, j); }
  BasicView<T> view() { return {buffer_.data(), rows_, cols_, stride_}; }
  BasicView<const T> view() const { return {buffer_.data(), rows_, cols_, stride_}; }
  operator BasicView<T>() { return view(); }              // NOLINT: owners are views where asked
  operator BasicView<const T>() const { return view(); }  // NOLINT
  void fill(T value) { view().fill(value); }

 private:
  Index rows_ = 0;
  Index cols_ = 0;
  Index stride_ = 0;
  Buffer<T> buffer_;
};

using Matrix = BasicMatrix<float>;
using MatrixView = BasicView<float>;
using ConstMatrixView = BasicView<const float>;

}  // namespace kindred
