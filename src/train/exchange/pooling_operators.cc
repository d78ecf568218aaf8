#include <fmt/format.h>

#include <algorithm>

#include "train/exchange/operators.h"

namespace kindred {
namespace {

constexpr Index kMostWindow = 1 << 16;

/// Axes as they are asked for, of a tensor with so many; sorted.
std::vector<std::int64_t> axes_of(const ForeignNode& node, std::int64_t rank) {
  std::vector<std::int64_t> axes = node.list_or_input("axes", 1);
  for (std::int64_t& axis : axes) {
    if (axis < 0) axis += rank;
  }
  std::ranges::sort(axes);
  return axes;
}

/// The one number of both directions.
Index one_of(const ForeignNode& node, const std::vector<std::int64_t>& values, const char* what) {
  if (!std::ranges::all_of(values, [&](std::int64_t value) { return value == values[0]; })) {
    node.refuse(fmt::format("has {} [{}]; ours are the same in all directions", what,
                            fmt::join(values, ", ")));
  }
  if (values[0] < 0 || values[0] > kMostWindow) {
    node.refuse(fmt::format("has {} [{}]", what, fmt::join(values, ", ")));
  }
  return values[0];
}

std::vector<std::int64_t> pair_of(const ForeignNode& node, const char* attribute,
                                  std::size_t count = 2) {
  std::vector<std::int64_t> values = node.list(attribute);
  if (values.empty()) return std::vector<std::int64_t>(count, attribute[0] == 'p' ? 0 : 1);
  if (values.size() != count) {
    node.refuse(fmt::format("has {} numbers in {}; {} are expected: images have two directions",
                            values.size(), attribute, count));
  }
  return values;
}

/// Padding that keeps ceil(extent / stride) pixels; its larger half comes last, or first.
std::vector<std::int64_t> same_pads(const ForeignNode& node, const Window& window, bool upper) {
  std::vector<std::int64_t> pads(4);
  const Shape& src = node.image(0).shape;
  const Index extents[] = {src.height, src.width};
  for (std::size_t i = 0; i < 2; ++i) {
    const Index reach = (window.kernel - 1) * window.dilation + 1;
    const Index dst = (extents[i] + window.stride - 1) / window.stride;
    const Index all = std::max<Index>(0, (dst - 1) * window.stride + reach - extents[i]);
    pads[i] = upper ? all / 2 : all - all / 2;
    pads[i + 2] = all - pads[i];
  }
  return pads;
}

bool is_whole_image(const ForeignNode& node, const Shape& src) {
  return node.list("kernel_shape") == std::vector<std::int64_t>{src.height, src.width} &&
         pair_of(node, "pads", 4) == std::vector<std::int64_t>(4, 0);
}

void give_whole_average(const ForeignNode& node) {
  node.give(node.piece("global_average_pool"), Form::image, {node.image(0).shape.channels, 1, 1});
}

Piece pool_piece(const ForeignNode& node, const char* kind) {
  const Window window = read_window(node);
  if (window.dilation != 1) node.refuse("has a dilation; no layer of ours does this");
  if (node.integer("ceil_mode", 0) != 0) {
    const Shape& src = node.image(0).shape;
    for (const Index extent : {src.height, src.width}) {
      if ((extent + 2 * window.padding - window.kernel) % window.stride != 0) {
        node.refuse("has windows that reach over the image's end (ceil_mode); ours do not");
      }
    }
  }
  Piece piece = node.piece(kind);
  piece.settings = {{"kernel", static_cast<double>(window.kernel)},
                    {"stride", static_cast<double>(window.stride)},
                    {"padding", static_cast<double>(window.padding)}};
  return piece;
}

/// Of a piece over the channels of a vector.
void check_channel_axis(const ForeignNode& node, std::int64_t axis) {
  node.vector(0);
  if (axis != 1 && axis != -1) node.refuse(fmt::format("works along axis {}", axis));
}

}  // namespace

Window read_window(const ForeignNode& node, int weights) {
  Window window;
  std::vector<std::int64_t> kernel = node.list("kernel_shape");
  if (kernel.empty() && weights >= 0) {
    const std::vector<Index>& shape = node.shape_of_constant(static_cast<std::size_t>(weights));
    kernel.assign(shape.begin() + std::min<std::ptrdiff_t>(2, std::ssize(shape)), shape.end());
  }
  if (kernel.size() != 2) node.refuse("is not over images: its kernel has no two directions");
  window.kernel = one_of(node, kernel, "a kernel of");
  window.stride = one_of(node, pair_of(node, "strides"), "strides");
  window.dilation = one_of(node, pair_of(node, "dilations"), "dilations");
  if (window.kernel < 1 || window.stride < 1 || window.dilation < 1) {
    node.refuse("has a kernel, stride or dilation of 0");
  }
  std::vector<std::int64_t> pads = pair_of(node, "pads", 4);
  const std::string_view automatic = node.text("auto_pad", "NOTSET");
  if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
    pads = same_pads(node, window, automatic == "SAME_UPPER");
  } else if (automatic == "VALID") {
    pads.assign(4, 0);
  } else if (automatic != "NOTSET") {
    node.refuse(fmt::format("has auto_pad '{}'", automatic.substr(0, 40)));
  }
  window.padding = one_of(node, pads, "pads");
  return window;
}

void read_max_pool(const ForeignNode& node) {
  node.image(0);
  node.give(pool_piece(node, "max_pool"));
}

void read_average_pool(const ForeignNode& node) {
  if (is_whole_image(node, node.image(0).shape)) return give_whole_average(node);
  Piece piece = pool_piece(node, "average_pool");
  if (piece.setting("padding") > 0 && node.integer("count_include_pad", 0) != 0) {
    node.refuse("counts the padding in its means (count_include_pad); ours do not");
  }
  node.give(std::move(piece));
}

void read_global_average_pool(const ForeignNode& node) { give_whole_average(node); }

void read_reduce_mean(const ForeignNode& node) {
  node.image(0);
  if (axes_of(node, 4) != std::vector<std::int64_t>{2, 3}) {
    node.refuse("takes the mean over other axes than height and width; no layer of ours does this");
  }
  const Form form = node.integer("keepdims", 1) != 0 ? Form::image : Form::vector;
  node.give(node.piece("global_average_pool"), form, {node.image(0).shape.channels, 1, 1});
}

void read_lp_normalization(const ForeignNode& node) {
  check_channel_axis(node, node.integer("axis", -1));
  if (node.integer("p", 2) != 2) node.refuse("is by another norm than the euclidean");
  node.give(node.piece("l2_normalize"));
}

void read_reduce_l2(const ForeignNode& node) {
  const std::vector<std::int64_t> axes = axes_of(node, 2);
  check_channel_axis(node, axes.size() == 1 ? axes[0] : -2);
  node.give(node.piece("(length)"), Form::vector, {1, 1, 1});
}

}  // namespace kindred
