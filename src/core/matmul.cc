#include "kindred/core/matmul.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <numeric>
#include <vector>

#include "core/matmul_tile.h"

namespace kindred {
namespace {

constexpr Index kSlabDepth = 4096;               // a multiple of kTileDepth
constexpr Index kSlabElements = Index{1} << 22;  // packed at a time of one operand: 16 MiB float
constexpr Index kPackedByOneTask = 32768;        // elements
constexpr Index kLongestRowInPlace = 1024;       // bytes
constexpr Index kBlockRowPanels = 20;            // largest block of dst, in panels: with a depth
constexpr Index kBlockColPanels = 16;            // of 256 both sides and dst lie in an L2 of 2 MiB
constexpr Index kWantedTasks = 16;               // blocks get smaller until there are as many,
constexpr Index kSmallestTask = Index{1} << 22;  // but not below as many multiply-adds

constexpr Index kLeastScratch = Index{1} << 18;  // numbers: 1 MiB of floats

/// Packing memory that only grows. One a thread and a depth of nesting: a thread that waits for
/// its product may run another task of the arena, which may multiply.
template <typename T>
class Scratch {
 public:
  Scratch() {
    if (used() == pool().size()) pool().push_back(std::make_unique<Buffer<T>>());
    buffer_ = pool()[used()++].get();
  }
  ~Scratch() { --used(); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// Grows by doubling: products that become larger from step to step (a memory that fills) soon
  /// find room.
  T* reserve(Index size) {
    if (buffer_->size() < size) {
      const auto wanted = static_cast<std::size_t>(std::max(size, kLeastScratch));
      *buffer_ = Buffer<T>(static_cast<Index>(std::bit_ceil(wanted)));
    }
    return buffer_->data();
  }

 private:
  static std::vector<std::unique_ptr<Buffer<T>>>& pool() {
    static thread_local std::vector<std::unique_ptr<Buffer<T>>> buffers;
    return buffers;
  }
  static std::size_t& used() {
    static thread_local std::size_t count = 0;
    return count;
  }
  Buffer<T>* buffer_;
};

/// When an operand is packed: never (the kernel reads it where it lies), by the task that uses it,
/// or as a whole before.
enum class Packing { none, by_task, before };

// Vectors across memory are read in place where their rows are short: with long rows each step of
// k is another page and another way of the same cache set (256 x 4096 by 4096 x 512 floats, rows of
// 2048 bytes: 31 GFLOP/s in place, 78 packed).
template <typename T>
bool is_read_in_place(const Operand<T>& operand) {
  return operand.vector_stride == 1 && operand.depth_stride > 1 &&
         operand.depth_stride * static_cast<Index>(sizeof(T)) <= kLongestRowInPlace;
}

/// The block of dst a task computes: as large as caches like, smaller where there would be too few
/// to share out. A function of the shape only.
struct BlockSize {
  Index rows;
  Index cols;
};

template <typename T>
BlockSize block_size(const TileKernels<T>& tile, Index rows, Index cols, Index depth,
                     bool keep_cols) {
  const Index kRows = tile.rows;
  const Index kCols = tile.cols;
  Index m = std::min(kBlockRowPanels, blocks_of(rows, kRows));
  Index n = std::min(kBlockColPanels, blocks_of(cols, kCols));
  while (m * n > 1 && blocks_of(rows, m * kRows) * blocks_of(cols, n * kCols) < kWantedTasks &&
         m * kRows * n * kCols * depth > 2 * kSmallestTask) {
    if ((keep_cols && m > 1) || m * kRows > n * kCols || n == 1) {
      m = blocks_of(m, 2);
    } else {
      n = blocks_of(n, 2);
    }
  }
  return {m * kRows, n * kCols};
}

/// One product: dst (+)= left rightᵀ.
template <typename T>
class Product {
 public:
  Product(const Workers& workers, const Operand<T>& left, const Operand<T>& right, BasicView<T> dst)
      : workers_(workers),
        left_(left),
        right_(right),
        dst_(dst),
        slab_depth_(std::min(left.depth, kSlabDepth)),
        slab_rows_(std::min(dst.rows(), round_up(kSlabElements / slab_depth_, tile_.rows))),
        slab_cols_(std::min(dst.cols(), round_up(kSlabElements / slab_depth_, tile_.cols))),
        block_(block_size(tile_, slab_rows_, slab_cols_, slab_depth_, is_read_in_place(right))) {
    // What only one block of the other side uses is packed by that block's task: then it is still
    // in cache when it is used.
    left_packing_ = is_read_in_place(left)      ? Packing::none
                    : dst.cols() <= block_.cols ? Packing::by_task
                                                : Packing::before;
    right_packing_ = is_read_in_place(right)     ? Packing::none
                     : dst.rows() <= block_.rows ? Packing::by_task
                                                 : Packing::before;
    left_stride_ = scratch_size(left_packing_, tile_.left(), block_.rows, slab_rows_);
    right_stride_ = scratch_size(right_packing_, tile_.right(), block_.cols, slab_cols_);
    const Index left_copies = left_packing_ == Packing::by_task ? workers.threads() : 1;
    const Index right_copies = right_packing_ == Packing::by_task ? workers.threads() : 1;
    left_packed_ = scratch_.reserve(left_copies * left_stride_ + right_copies * right_stride_);
    right_packed_ = left_packed_ + left_copies * left_stride_;
  }

  void run(bool add) {
    for (Index k = 0; k < left_.depth; k += slab_depth_) {
      const Index depth = std::min(slab_depth_, left_.depth - k);
      for (Index j = 0; j < dst_.cols(); j += slab_cols_) {
        const Operand<T> right = right_.part(j, std::min(slab_cols_, dst_.cols() - j), k, depth);
        if (right_packing_ == Packing::before) {
          pack_all(right, tile_.right(), right_packed_, tile_.pack_right);
        }
        for (Index i = 0; i < dst_.rows(); i += slab_rows_) {
          const Operand<T> left = left_.part(i, std::min(slab_rows_, dst_.rows() - i), k, depth);
          if (left_packing_ == Packing::before) {
            pack_all(left, tile_.left(), left_packed_, tile_.pack_left);
          }
          slab(left, right, {dst_.row(i) + j, left.count, right.count, dst_.stride()},
               add || k > 0);
        }
      }
    }
  }

  /// The same for left = right: blocks on and above the diagonal, the others as their mirrors.
  /// REQUIRES: fits_one_slab().
  void run_symmetric() {
    pack_all(left_, tile_.left(), left_packed_, tile_.pack_left);
    pack_all(right_, tile_.right(), right_packed_, tile_.pack_right);
    const Index kSide =
        std::lcm(tile_.rows, tile_.cols);  // square blocks, so that mirrors are blocks
    const Index across = blocks_of(dst_.rows(), kSide);
    workers_.for_each(across * (across + 1) / 2, [&](Index task, int) {
      Index row = 0;
      for (; task >= across - row; ++row) task -= across - row;
      const Index i = row * kSide;
      const Index j = (row + task) * kSide;
      const Index rows = std::min(kSide, dst_.rows() - i);
      const Index cols = std::min(kSide, dst_.cols() - j);
      T* block = dst_.row(i) + j;
      tile_.multiply_block(Factor<T>{left_packed_, left_.count}, i, rows,
                           Factor<T>{right_packed_, right_.count}, j, cols, left_.depth, block,
                           dst_.stride(), false);
      if (i != j) tile_.transpose_block(block, rows, cols, dst_.row(j) + i, dst_.stride());
    });
  }
  bool fits_one_slab() const {
    return slab_depth_ == left_.depth && slab_rows_ == dst_.rows() && slab_cols_ == dst_.cols() &&
           left_packing_ == Packing::before && right_packing_ == Packing::before;
  }

 private:
  Index scratch_size(Packing packing, Panels panels, Index block, Index slab) const {
    if (packing == Packing::none) return 0;
    const Index size = packing == Packing::before
                           ? panels.padded(slab) * slab_depth_
                           : panels.padded(block) * std::min(slab_depth_, kTileDepth);
    return round_up(size, kAlignment);
  }

  void pack_all(const Operand<T>& operand, Panels panels, T* packed,
                void (*pack)(const Operand<T>&, Index, Index, T*)) const {
    const Index block = std::max<Index>(1, kPackedByOneTask / (panels.width * operand.depth));
    workers_.for_blocks(panels.count(operand.count), block,
                        [&](Index begin, Index end, int) { pack(operand, begin, end, packed); });
  }

  /// dst (+)= left rightᵀ, of operands of one slab.
  void slab(const Operand<T>& left, const Operand<T>& right, BasicView<T> dst, bool add) const {
    const Index down = blocks_of(dst.rows(), block_.rows);
    const Index across = blocks_of(dst.cols(), block_.cols);
    workers_.for_each(down * across, [&](Index task, int worker) {
      const auto [i, rows] = part(task / across, down, dst.rows(), tile_.rows);
      const auto [j, cols] = part(task % across, across, dst.cols(), tile_.cols);
      // A nested call keeps its caller's worker number, which may be of a larger Workers.
      const Index slot = worker % workers_.threads();
      const bool is_packed =
          left_packing_ != Packing::by_task && right_packing_ != Packing::by_task;
      const Index step = is_packed ? left.depth : kTileDepth;
      for (Index k = 0; k < left.depth; k += step) {
        const Index depth = std::min(step, left.depth - k);
        const Side a = side(
            left, i, rows, k, depth, left_packing_, tile_.left(),
            left_packing_ == Packing::by_task ? left_packed_ + slot * left_stride_ : left_packed_,
            tile_.pack_left);
        const Side b =
            side(right, j, cols, k, depth, right_packing_, tile_.right(),
                 right_packing_ == Packing::by_task ? right_packed_ + slot * right_stride_
                                                    : right_packed_,
                 tile_.pack_right);
        tile_.multiply_block(a.factor, a.first, rows, b.factor, b.first, cols, depth,
                             dst.row(i) + j, dst.stride(), add || k > 0);
      }
    });
  }

  struct Part {
    Index begin;
    Index size;
  };
  /// One of `parts` of `size` vectors: whole panels each, and as evenly shared out as these allow,
  /// so that threads end together; the larger parts come first.
  static Part part(Index number, Index parts, Index size, Index panel) {
    const Index panels = blocks_of(size, panel);
    const auto begin_of = [&](Index n) {
      return std::min(size, (n * (panels / parts) + std::min(n, panels % parts)) * panel);
    };
    return {begin_of(number), begin_of(number + 1) - begin_of(number)};
  }

  /// A factor and where in it a block begins.
  struct Side {
    Factor<T> factor;
    Index first;
  };

  /// Elements [k, k + depth) of vectors [first, first + count), packed into `mine` if need be.
  static Side side(const Operand<T>& operand, Index first, Index count, Index k, Index depth,
                   Packing packing, Panels panels, T* mine,
                   void (*pack)(const Operand<T>&, Index, Index, T*)) {
    if (packing == Packing::none) {
      return {Factor<T>{operand.data, operand.count, operand.depth_stride}.from(k, panels), first};
    }
    if (packing == Packing::before) {
      return {Factor<T>{mine, operand.count}.from(k, panels), first};
    }
    pack(operand.part(first, count, k, depth), 0, panels.count(count), mine);
    return {Factor<T>{mine, count}, 0};
  }

  const TileKernels<T>& tile_ = kernels<TileKernels<T>>();
  const Workers& workers_;
  Operand<T> left_;
  Operand<T> right_;
  BasicView<T> dst_;
  Index slab_depth_;
  Index slab_rows_;
  Index slab_cols_;
  BlockSize block_;
  Packing left_packing_;
  Packing right_packing_;
  Scratch<T> scratch_;
  Index left_stride_ = 0;  // of one worker's scratch
  Index right_stride_ = 0;
  T* left_packed_ = nullptr;
  T* right_packed_ = nullptr;
};

template <typename T>
void multiply(const Workers& workers, const Operand<T>& left, const Operand<T>& right,
              BasicView<T> dst, Accumulate accumulate) {
  if (dst.empty()) return;
  if (left.depth == 0) {
    if (accumulate == Accumulate::no) dst.fill(T{0});
    return;
  }
  Product<T>(workers, left, right, dst).run(accumulate == Accumulate::yes);
}

// The operand whose vectors are the view's rows, or its columns.
template <typename T>
Operand<T> rows_of(BasicView<const T> v) {
  return {v.data(), v.rows(), v.cols(), v.stride(), 1};
}
template <typename T>
Operand<T> columns_of(BasicView<const T> v) {
  return {v.data(), v.cols(), v.rows(), 1, v.stride()};
}

}  // namespace

template <typename T>
void multiply_nt(const Workers& workers, BasicView<const T> a, BasicView<const T> b,
                 BasicView<T> dst, Accumulate accumulate) {
  assert(a.cols() == b.cols() && dst.rows() == a.rows() && dst.cols() == b.rows());
  multiply(workers, rows_of(a), rows_of(b), dst, accumulate);
}

template <typename T>
void multiply_with_itself(const Workers& workers, BasicView<const T> a, BasicView<T> dst) {
  assert(dst.rows() == a.rows() && dst.cols() == a.rows());
  if (dst.empty() || a.cols() == 0) return dst.fill(T{0});
  Product<T> product(workers, rows_of(a), rows_of(a), dst);
  if (product.fits_one_slab()) {
    product.run_symmetric();
  } else {
    product.run(false);
  }
}

template <typename T>
void multiply_nn(const Workers& workers, BasicView<const T> a, BasicView<const T> b,
                 BasicView<T> dst, Accumulate accumulate) {
  assert(a.cols() == b.rows() && dst.rows() == a.rows() && dst.cols() == b.cols());
  multiply(workers, rows_of(a), columns_of(b), dst, accumulate);
}

template <typename T>
void multiply_tn(const Workers& workers, BasicView<const T> a, BasicView<const T> b,
                 BasicView<T> dst, Accumulate accumulate) {
  assert(a.rows() == b.rows() && dst.rows() == a.cols() && dst.cols() == b.cols());
  multiply(workers, columns_of(a), columns_of(b), dst, accumulate);
}

#define KINDRED_INSTANTIATE(T)                                                           \
  template __attribute__((visibility("default"))) void multiply_nt<T>(                   \
      const Workers&, BasicView<const T>, BasicView<const T>, BasicView<T>, Accumulate); \
  template __attribute__((visibility("default"))) void multiply_with_itself<T>(          \
      const Workers&, BasicView<const T>, BasicView<T>);                                 \
  template __attribute__((visibility("default"))) void multiply_nn<T>(                   \
      const Workers&, BasicView<const T>, BasicView<const T>, BasicView<T>, Accumulate); \
  template __attribute__((visibility("default"))) void multiply_tn<T>(                   \
      const Workers&, BasicView<const T>, BasicView<const T>, BasicView<T>, Accumulate);
KINDRED_INSTANTIATE(float)
KINDRED_INSTANTIATE(double)
#undef KINDRED_INSTANTIATE

}  // namespace kindred
