#include <fmt/format.h>

#include <algorithm>

#include "train/exchange/operators.h"

namespace kindred {
namespace {

constexpr std::size_t kMostNumbers = 64;  // of a shape that is computed
constexpr Index kMostMade = 1 << 20;      // numbers of a constant that the graph makes

std::vector<std::int64_t> extents_of(const Step& step) {
  const Shape& s = step.shape;
  switch (step.form) {
    case Form::image: return {kBatchExtent, s.channels, s.height, s.width};
    case Form::image_last: return {kBatchExtent, s.height, s.width, s.channels};
    default: return {kBatchExtent, s.channels};
  }
}

/// The same numbers as [N, C]: a layer of ours where an image has more than one pixel.
void give_vector(const ForeignNode& node) {
  const Step& src = node.data(0);
  if (src.form == Form::vector) return node.give(node.source(0));
  if (src.shape.height == 1 && src.shape.width == 1) {
    return node.give_as(node.source(0), Form::vector, src.shape);
  }
  if (src.form == Form::image_last) {
    node.refuse("takes an image's numbers channels last; ours are taken channel by channel");
  }
  node.give(node.piece("flatten"));
}

/// The one pixel of each channel as [N, C, 1, 1].
void give_image(const ForeignNode& node) {
  node.give_as(node.source(0), Form::image, node.data(0).shape);
}

std::int64_t index_in(const ForeignNode& node, std::int64_t index, std::size_t size) {
  const auto count = static_cast<std::int64_t>(size);
  if (index < 0) index += count;
  if (index < 0 || index >= count) node.refuse(fmt::format("reads number {} of {}", index, size));
  return index;
}

bool is_any_batch(std::int64_t extent) {
  return extent == kBatchExtent || extent == -1 || extent == 0 || extent == 1;
}

std::vector<std::int64_t> sorted_axes(const ForeignNode& node, std::int64_t rank) {
  std::vector<std::int64_t> axes = node.list_or_input("axes", 1);
  for (std::int64_t& axis : axes) {
    if (axis < 0) axis += rank;
  }
  std::ranges::sort(axes);
  return axes;
}

/// A constant in another shape: PyTorch's older exporter gives slopes and weights so.
void give_reshaped(const ForeignNode& node, std::vector<Index> shape) {
  onnx::Tensor tensor = *node.constant(0);
  const Index elements = onnx::elements_of(tensor);
  tensor.shape = std::move(shape);
  if (onnx::elements_of(tensor) != elements) {
    node.refuse(
        fmt::format("gives {} numbers the shape [{}]", elements, fmt::join(tensor.shape, ", ")));
  }
  node.give_new_constant(std::move(tensor));
}

void reshape_constant(const ForeignNode& node) {
  std::vector<Index> shape = node.integers(1);
  Index known = 1;
  for (const Index extent : shape) {
    known = extent > 0 && extent <= kMostMade ? std::min(known * extent, kMostMade) : known;
  }
  const Index elements = onnx::elements_of(*node.constant(0));
  for (Index& extent : shape) {
    if (extent == -1) extent = elements / known;  // what is left; a second one does not fit
  }
  give_reshaped(node, std::move(shape));
}

/// Sorted, within a result of that rank.
std::vector<std::int64_t> inserted_axes(const ForeignNode& node, std::size_t rank) {
  constexpr std::size_t kMostRank = 8;
  std::vector<std::int64_t> axes = node.list_or_input("axes", 1);
  rank += axes.size();
  for (std::int64_t& axis : axes) {
    axis = rank > kMostRank ? -1 : axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis;
    if (axis < 0 || axis >= static_cast<std::int64_t>(rank)) node.refuse("adds axes elsewhere");
  }
  std::ranges::sort(axes);
  return axes;
}

void unsqueeze_constant(const ForeignNode& node) {
  std::vector<Index> shape = node.shape_of_constant(0);
  for (const std::int64_t axis : inserted_axes(node, shape.size())) {
    if (axis > std::ssize(shape)) node.refuse("adds axes elsewhere");
    shape.insert(shape.begin() + axis, 1);
  }
  give_reshaped(node, std::move(shape));
}

/// The weights of a product, [in, out] for [out, in].
void transpose_constant(const ForeignNode& node) {
  const std::vector<Index>& shape = node.shape_of_constant(0);
  const std::vector<std::int64_t> order = node.list("perm");
  if (shape.size() != 2 || !(order.empty() || order == std::vector<std::int64_t>{1, 0})) {
    node.refuse("exchanges the axes of a constant that is no matrix");
  }
  const std::vector<float> values = node.floats(0);
  onnx::Tensor turned;
  turned.name = node.constant(0)->name;
  turned.type = static_cast<int>(onnx::TensorType::f32);
  turned.shape = {shape[1], shape[0]};
  turned.floats.resize(values.size());
  for (Index i = 0; i < shape[0]; ++i) {
    for (Index j = 0; j < shape[1]; ++j) {
      turned.floats[static_cast<std::size_t>(j * shape[0] + i)] =
          values[static_cast<std::size_t>(i * shape[1] + j)];
    }
  }
  node.give_new_constant(std::move(turned));
}

/// One number as many: PyTorch's newer exporter makes the bias of a convolution without one so.
void expand_constant(const ForeignNode& node) {
  const std::vector<std::int64_t> shape = node.integers(1);
  Index elements = 1;
  for (const std::int64_t extent : shape) {
    elements = extent > 0 && extent <= kMostMade && elements <= kMostMade ? elements * extent : -1;
    if (elements < 1) node.refuse("spreads a constant over no shape, or a large one");
  }
  if (node.computed(0) != nullptr && elements == 1) return node.give_numbers(*node.computed(0));
  if (node.computed(0) != nullptr || elements > kMostMade) node.refuse("spreads what is computed");
  const float value = node.number(0);
  onnx::Tensor spread;
  spread.name = node.constant(0)->name;
  spread.type = static_cast<int>(onnx::TensorType::f32);
  spread.shape = {shape.begin(), shape.end()};
  spread.floats.assign(static_cast<std::size_t>(elements), value);
  node.give_new_constant(std::move(spread));
}

bool is_float_constant(const ForeignNode& node) {
  return node.is_constant(0) && node.computed(0) == nullptr &&
         node.constant(0)->type == static_cast<int>(onnx::TensorType::f32);
}

}  // namespace

void read_flatten(const ForeignNode& node) {
  const Index axis = node.integer("axis", 1);
  const Index rank = node.data(0).form == Form::vector ? 2 : 4;
  if (axis != 1 && axis != 1 - rank) {
    node.refuse(fmt::format("flattens from axis {}; ours begins at 1, behind the batch", axis));
  }
  give_vector(node);
}

void read_reshape(const ForeignNode& node) {
  if (is_float_constant(node)) return reshape_constant(node);
  if (!node.is_data(0)) return read_identity(node);  // whole numbers, in whatever shape
  const std::vector<std::int64_t> shape = node.integers(1);
  const Step& src = node.data(0);
  const bool one_pixel = src.shape.height == 1 && src.shape.width == 1;
  const auto fits = [&](std::int64_t extent, Index size) { return extent == -1 || extent == size; };
  if (shape == extents_of(src)) return node.give(node.source(0));
  if (shape.size() == 2 && is_any_batch(shape[0]) && fits(shape[1], src.shape.size())) {
    return give_vector(node);
  }
  if (shape.size() == 4 && one_pixel && is_any_batch(shape[0]) && shape[2] == 1 && shape[3] == 1 &&
      (fits(shape[1], src.shape.channels) || shape[1] == 0)) {
    return give_image(node);
  }
  node.refuse(fmt::format("gives the shape [{}]; ours are made to two dimensions, [N, {}]",
                          fmt::join(shape, ", "), src.shape.size()));
}

void read_squeeze(const ForeignNode& node) {
  if (!node.is_data(0)) return read_identity(node);
  const std::vector<std::int64_t> axes = sorted_axes(node, 4);
  const Step& src = node.image(0);
  if (src.shape.height != 1 || src.shape.width != 1 || axes != std::vector<std::int64_t>{2, 3}) {
    node.refuse("takes away other axes than a height and width of 1");
  }
  give_vector(node);
}

void read_unsqueeze(const ForeignNode& node) {
  if (is_float_constant(node)) return unsqueeze_constant(node);
  if (!node.is_data(0)) return read_identity(node);
  node.vector(0);
  if (sorted_axes(node, 4) != std::vector<std::int64_t>{2, 3}) {
    node.refuse("adds other axes than height and width");
  }
  give_image(node);
}

void read_transpose(const ForeignNode& node) {
  if (node.is_constant(0)) return transpose_constant(node);
  const Step& src = node.data(0);
  const std::vector<std::int64_t> order = node.list("perm");
  if (src.form == Form::image_last && order == std::vector<std::int64_t>{0, 3, 1, 2}) {
    return node.give_as(node.source(0), Form::image, src.shape);
  }
  if (src.form == Form::image && order == std::vector<std::int64_t>{0, 2, 3, 1}) {
    return node.give_as(node.source(0), Form::image_last, src.shape);
  }
  node.refuse(fmt::format("exchanges axes [{}]; only [N, H, W, C] and [N, C, H, W] are exchanged",
                          fmt::join(order, ", ")));
}

void read_shape(const ForeignNode& node) {
  const std::vector<std::int64_t> extents =
      node.is_data(0) ? extents_of(node.data(0)) : node.shape_of_constant(0);
  const auto size = static_cast<Index>(extents.size());
  const auto place = [&](const char* attribute, Index standard) {
    const Index at = node.integer(attribute, standard);
    return std::clamp<Index>(at < 0 ? at + size : at, 0, size);
  };
  const Index first = place("start", 0);
  const Index end = std::max(first, place("end", size));
  node.give_numbers({extents.begin() + first, extents.begin() + end});
}

void read_gather(const ForeignNode& node) {
  if (node.is_data(0)) node.refuse("takes a piece of a tensor; no layer of ours does this");
  const std::vector<std::int64_t> from = node.integers(0);
  std::vector<std::int64_t> numbers;
  for (const std::int64_t index : node.integers(1)) {
    numbers.push_back(from[static_cast<std::size_t>(index_in(node, index, from.size()))]);
    if (numbers.size() > kMostNumbers) node.refuse("takes too many numbers");
  }
  node.give_numbers(std::move(numbers));
}

void read_slice(const ForeignNode& node) {
  if (node.is_data(0)) node.refuse("takes a piece of a tensor; no layer of ours does this");
  const std::vector<std::int64_t> from = node.integers(0);
  const auto size = static_cast<Index>(from.size());
  const std::vector<std::int64_t> starts = node.list_or_input("starts", 1);
  const std::vector<std::int64_t> ends = node.list_or_input("ends", 2);
  const bool steps = node.has(4) && node.integers(4) != std::vector<std::int64_t>{1};
  if (starts.size() != 1 || ends.size() != 1 || steps) node.refuse("is no plain piece of a list");
  const auto place = [&](std::int64_t at) {
    return std::clamp<Index>(at < 0 && at >= -size ? at + size : at, 0, size);
  };
  const Index first = place(starts[0]);
  const Index end = std::max(first, place(ends[0]));
  node.give_numbers({from.begin() + first, from.begin() + end});
}

void read_expand(const ForeignNode& node) {
  if (node.is_constant(0)) return expand_constant(node);
  const Step& src = node.vector(0);
  const std::vector<std::int64_t> shape = node.integers(1);
  if (shape.size() != 2 || !is_any_batch(shape[0]) ||
      (src.shape.channels != 1 && shape[1] != src.shape.channels)) {
    node.refuse(fmt::format("spreads numbers over the shape [{}]", fmt::join(shape, ", ")));
  }
  node.give(node.source(0));  // what reads it spreads by itself
}

void read_concat(const ForeignNode& node) {
  const Index axis = node.integer("axis", 1);
  if (!node.is_data(0)) {
    std::vector<std::int64_t> numbers;
    for (std::size_t i = 0; i < node.inputs(); ++i) {
      const std::vector<std::int64_t> more = node.integers(i);
      numbers.insert(numbers.end(), more.begin(), more.end());
      if (numbers.size() > kMostNumbers) node.refuse("joins too many numbers");
    }
    return node.give_numbers(std::move(numbers));
  }
  Shape shape = node.data(0).shape;
  const Form form = node.data(0).form;
  const Index rank = form == Form::vector ? 2 : 4;
  if ((axis != 1 && axis != 1 - rank) || form == Form::image_last) {
    node.refuse(fmt::format("joins along axis {}; ours are joined by channel", axis));
  }
  std::vector<int> sources;
  shape.channels = 0;
  for (std::size_t i = 0; i < node.inputs(); ++i) {
    const Step& each = node.data(i);
    if (each.form != form || each.shape.height != shape.height || each.shape.width != shape.width) {
      node.refuse("joins tensors of different shapes");
    }
    shape.channels += each.shape.channels;
    sources.push_back(node.source(i));
  }
  node.give_join(Join::concatenate, std::move(sources), shape);
}

}  // namespace kindred
