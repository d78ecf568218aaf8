#include "nn/layer_harness.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kindred/core/random.h"

namespace kindred::test {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr std::byte kNaNByte{0xff};  // all bits set are NaN in every type

/// Between [S, C, H, W] in float64 and a layout, through oneDNN's plain layout. Padding channels
/// are zero, as every layer leaves them.
void reorder(const dnnl::engine& engine, const TensorDesc& from_desc, const void* from,
             const TensorDesc& to_desc, void* to) {
  const ComputeScope scope;
  dnnl::memory source(from_desc, engine, const_cast<void*>(from));
  dnnl::memory target(to_desc, engine, to);
  dnnl::stream stream(engine);
  dnnl::reorder(source, target).execute(stream, source, target);
}

}  // namespace

LayerHarness::LayerHarness(const std::vector<LayerSpec>& layers, Index S, const Shape& src,
                           NetworkMode mode, const std::string& convolution, FormatTag layout,
                           Precision precision, bool wants_diff)
    : wants_diff_(wants_diff) {
  compile(layers, S, src, mode, convolution, layout, precision, table);
  parameters.assign(static_cast<std::size_t>(table.size()), 0.0F);
}

LayerHarness::LayerHarness(const std::vector<LayerSpec>& layers, Index S, const Shape& src,
                           LayerHarness& trained, const std::string& convolution,
                           Precision precision)
    : state(trained.state), parameters(trained.parameters) {
  compile(layers, S, src, NetworkMode::inference, convolution, FormatTag::nhwc, precision,
          trained.table);
}

void LayerHarness::compile(const std::vector<LayerSpec>& layers, Index S, const Shape& src,
                           NetworkMode mode, const std::string& convolution, FormatTag layout,
                           Precision precision, ParameterTable& from) {
  const ComputeScope scope;
  specs_ = layers;
  const Compiler::Numbers numbers = mode == NetworkMode::training
                                        ? Compiler::Numbers{from, *state, state, &from}
                                        : Compiler::Numbers{from, *state};
  Compiler compiler(engine_, S, precision, convolution, numbers);
  const Source source{src, tensor(S, src, layout, compiler.type()), wants_diff_};
  layers_ = std::make_unique<Sequence>("layers", source, compiler);
  layers_->append(fuse(specs_, mode), compiler);
  bound_ = layers_->bind();
  scratch_ = std::make_unique<ScratchStack>(engine_, layers_->scratch_bytes());
  row = Buffer<float>(compiler.gradient_size());
  statistics = Buffer<float>(compiler.statistics_size());
  leaves = compiler.leaves();
  fillings = compiler.fillings();
  src_ = Buffer<std::byte>(bytes_of(layers_->src_desc()));
  dst_ = Buffer<std::byte>(bytes_of(layers_->dst_desc()));
}

void LayerHarness::fill_parameters(std::uint64_t seed) {
  for (std::size_t i = 0; i < table.segments().size(); ++i) {
    const Segment& segment = table.segments()[i];
    Random random(seed, Purpose::test, i);
    const Index fan_in = segment.shape.size() > 1 ? segment.size / segment.shape[0] : 1;
    const auto spread = static_cast<float>(std::sqrt(3.0 / static_cast<double>(fan_in)));
    const bool scale = segment.name.ends_with(".scale");
    const bool power = segment.name.ends_with(".power");
    for (Index j = 0; j < segment.size; ++j) {
      float& value = parameters[static_cast<std::size_t>(segment.offset + j)];
      // Scales of both signs, so that a max pool behind them is a min pool for some channels.
      value = scale   ? (j % 3 == 2 ? -1.0F : 1.0F) * random.uniform(0.5F, 1.5F)
              : power ? random.uniform(1.5F, 4.0F)
                      : random.uniform(-spread, spread);
    }
  }
  for (const auto& array : state->arrays()) {
    Random random(seed + 1, Purpose::test);
    const bool variance = array->name.ends_with("variance");
    for (float& value : array->as<float>()) value = random.uniform(variance ? 0.2F : -1.0F, 1.5F);
  }
}

LayerPass LayerHarness::run() {
  return {pass, *scratch_, statistics.span(), row.data(), Accumulate::no};
}

naive::Tensor LayerHarness::forward(const naive::Tensor& src) {
  const ComputeScope scope;
  for (Layer* leaf : leaves) leaf->pack(parameters);
  const std::vector<float> plain(src.values.begin(), src.values.end());
  reorder(engine_, tensor(src.S, src.shape, FormatTag::nchw, kFloat32), plain.data(),
          layers_->src_desc(), src_.data());
  dst_.fill(kNaNByte);
  statistics.fill(kNaN);
  LayerPass now = run();
  bound_->forward(src_.data(), dst_.data(), now);
  naive::Tensor dst(src.S, layers_->dst_shape());
  std::vector<float> values(dst.values.size());
  reorder(engine_, layers_->dst_desc(), dst_.data(),
          tensor(dst.S, dst.shape, FormatTag::nchw, kFloat32), values.data());
  std::ranges::copy(values, dst.values.begin());
  return dst;
}

LayerHarness::Diffs LayerHarness::backward(const naive::Tensor& diff_dst, Accumulate accumulate) {
  const ComputeScope scope;
  const std::vector<float> plain(diff_dst.values.begin(), diff_dst.values.end());
  Buffer<std::byte> packed(bytes_of(layers_->dst_desc()));
  reorder(engine_, tensor(diff_dst.S, diff_dst.shape, FormatTag::nchw, kFloat32), plain.data(),
          layers_->dst_desc(), packed.data());
  Buffer<std::byte> diff_src(bytes_of(layers_->src_desc()));
  diff_src.fill(kNaNByte);
  if (accumulate == Accumulate::no) row.fill(kNaN);
  LayerPass now = run();
  now.accumulate = accumulate;
  bound_->backward(packed.data(), wants_diff_ ? diff_src.data() : nullptr, now);
  Diffs diffs{naive::Tensor(diff_dst.S, layers_->src_shape()), {}};
  std::vector<float> values(diffs.src.values.size());
  if (wants_diff_) {
    reorder(engine_, layers_->src_desc(), diff_src.data(),
            tensor(diff_dst.S, layers_->src_shape(), FormatTag::nchw, kFloat32), values.data());
  }
  std::ranges::copy(values, diffs.src.values.begin());
  diffs.gradient.assign(parameters.size(), 0.0F);
  for (Layer* leaf : leaves) leaf->unpack_gradient(row.data(), diffs.gradient);
  return diffs;
}

naive::Tensor random_tensor(Index S, const Shape& shape, std::uint64_t seed) {
  naive::Tensor tensor(S, shape);
  Random random(seed, Purpose::test, 99);
  for (double& value : tensor.values) value = random.uniform(-1.0F, 1.0F);
  return tensor;
}

double error_of(const std::vector<double>& actual, const std::vector<double>& expected) {
  if (actual.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double error = 0;
  double largest = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (!std::isfinite(actual[i])) return std::numeric_limits<double>::infinity();
    error = std::max(error, std::abs(actual[i] - expected[i]));
    largest = std::max(largest, std::abs(expected[i]));
  }
  return largest > 0 ? error / largest : error;
}

double typical_error(std::vector<double> actual, const std::vector<double>& expected) {
  const auto root_mean_square = [](const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value * value;
    return std::sqrt(sum / static_cast<double>(values.size()));
  };
  for (std::size_t i = 0; i < actual.size(); ++i) actual[i] -= expected[i];
  return root_mean_square(actual) / root_mean_square(expected);
}

double error_of(const std::vector<float>& actual, const std::vector<double>& expected) {
  return error_of(std::vector<double>(actual.begin(), actual.end()), expected);
}

}  // namespace kindred::test
