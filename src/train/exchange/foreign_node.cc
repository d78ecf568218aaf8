#include "train/exchange/foreign_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kMostBehindLayer = Index{1} << 28;  // of a sample behind a layer, as in networks

/// What a layer of the piece's kind gives, as nn has it; 0 or less where a window does not fit.
Shape shape_behind(const Piece& piece, const Shape& src) {
  if (piece.kind == "linear") return {static_cast<Index>(piece.setting("features")), 1, 1};
  if (piece.kind == "flatten") return {src.size(), 1, 1};
  const bool slides = piece.kind == "convolution" || piece.kind.ends_with("_pool");
  if (!slides || piece.settings.empty()) return src;
  const auto setting = [&](const char* key) { return static_cast<Index>(piece.setting(key)); };
  const Index channels = piece.kind == "convolution" ? setting("channels") : src.channels;
  const Index dilation = piece.kind == "convolution" ? setting("dilation") : 1;
  const Index reach = (setting("kernel") - 1) * dilation + 1;
  const auto extent = [&](Index n) {
    const Index room = n + 2 * setting("padding") - reach;
    return room < 0 ? 0 : room / setting("stride") + 1;
  };
  return {channels, extent(src.height), extent(src.width)};
}

}  // namespace

void ForeignNode::interpret() {
  const OperatorKind* kind = operator_kind(node_.op);
  if (kind == nullptr || !(node_.domain.empty() || node_.domain == "ai.onnx")) {
    refuse("no layer of ours does this; `kindred convert --help` names what is read");
  }
  kind->interpret(*this);
}

const ForeignGraph::Known& ForeignNode::known(std::size_t input) const {
  if (!has(input)) refuse(fmt::format("has no input {}", input));
  const auto found = graph_.known_.find(node_.inputs[input]);
  if (found == graph_.known_.end()) {
    refuse(fmt::format("reads '{}', which nothing before it gives", node_.inputs[input]));
  }
  return found->second;
}

bool ForeignNode::is_data(std::size_t input) const {
  return has(input) && std::holds_alternative<int>(known(input));
}

bool ForeignNode::is_constant(std::size_t input) const { return has(input) && !is_data(input); }

const onnx::Tensor* ForeignNode::constant(std::size_t input) const {
  const auto* tensor = std::get_if<const onnx::Tensor*>(&known(input));
  return tensor == nullptr ? nullptr : *tensor;
}

const std::vector<std::int64_t>* ForeignNode::computed(std::size_t input) const {
  return std::get_if<std::vector<std::int64_t>>(&known(input));
}

int ForeignNode::source(std::size_t input) const {
  const int* step = std::get_if<int>(&known(input));
  if (step == nullptr) refuse(fmt::format("its input {} is a constant", input));
  return *step;
}

const Step& ForeignNode::image(std::size_t input) const {
  const Step& step = data(input);
  if (step.form != Form::image) refuse("reads no image [N, C, H, W]");
  return step;
}

const Step& ForeignNode::vector(std::size_t input) const {
  const Step& step = data(input);
  if (step.form != Form::vector) {
    refuse("reads an image where a vector is expected; no layer of ours does this");
  }
  return step;
}

const std::vector<Index>& ForeignNode::shape_of_constant(std::size_t input) const {
  const onnx::Tensor* tensor = constant(input);
  if (tensor == nullptr) {
    refuse(fmt::format("its input {} is computed; a constant is expected", input));
  }
  onnx::elements_of(*tensor);
  return tensor->shape;
}

std::vector<float> ForeignNode::floats(std::size_t input, const std::vector<Index>& shape) const {
  const std::vector<Index>& found = shape_of_constant(input);
  if (found != shape) {
    refuse(fmt::format("its input {} has the shape [{}]; [{}] is expected", input,
                       fmt::join(found, ", "), fmt::join(shape, ", ")));
  }
  return floats(input);
}

std::vector<float> ForeignNode::floats(std::size_t input) const {
  shape_of_constant(input);
  return graph_.values_.floats(*constant(input));
}

float ForeignNode::number(std::size_t input) const {
  const std::vector<Index>& shape = shape_of_constant(input);
  if (onnx::elements_of(*constant(input)) != 1) {
    refuse(fmt::format("its input {} has the shape [{}]; one number is expected", input,
                       fmt::join(shape, ", ")));
  }
  return floats(input)[0];
}

std::vector<std::int64_t> ForeignNode::integers(std::size_t input) const {
  if (const auto* numbers = computed(input)) return *numbers;
  const onnx::Tensor* tensor = constant(input);
  if (tensor == nullptr) refuse(fmt::format("its input {} is no constant", input));
  return graph_.values_.integers(*tensor);
}

std::vector<float> ForeignNode::channels(std::size_t constant, const Step& data) const {
  std::vector<Index> shape = shape_of_constant(constant);
  const std::size_t rank = data.form == Form::vector ? 2 : 4;
  const std::size_t axis = data.form == Form::image_last ? 3 : 1;
  bool fits = shape.size() <= rank;
  if (fits) shape.insert(shape.begin(), rank - shape.size(), 1);
  for (std::size_t i = 0; fits && i < rank; ++i) {
    fits = shape[i] == 1 || (i == axis && shape[i] == data.shape.channels);
  }
  if (!fits) {
    refuse(
        fmt::format("computes with a constant of the shape [{}]; one number, or one for each of "
                    "{} channels, is expected",
                    fmt::join(shape_of_constant(constant), ", "), data.shape.channels));
  }
  std::vector<float> values = floats(constant);
  values.resize(static_cast<std::size_t>(data.shape.channels), values[0]);
  return values;
}

Index ForeignNode::integer(std::string_view attribute, Index standard) const {
  const auto found = node_.attributes.find(attribute);
  return found == node_.attributes.end() ? standard : found->second.integer;
}

double ForeignNode::real(std::string_view attribute, double standard) const {
  const auto found = node_.attributes.find(attribute);
  return found == node_.attributes.end() ? standard : rounded(found->second.real);
}

double ForeignNode::rounded(float value) {
  return std::strtod(fmt::format("{}", value).c_str(), nullptr);
}

std::string_view ForeignNode::text(std::string_view attribute, std::string_view standard) const {
  const auto found = node_.attributes.find(attribute);
  return found == node_.attributes.end() ? standard : found->second.text;
}

std::vector<std::int64_t> ForeignNode::list(std::string_view attribute) const {
  const auto found = node_.attributes.find(attribute);
  return found == node_.attributes.end() ? std::vector<std::int64_t>() : found->second.integers;
}

const onnx::Tensor* ForeignNode::tensor(std::string_view attribute) const {
  const auto found = node_.attributes.find(attribute);
  return found == node_.attributes.end() ? nullptr : &found->second.tensor;
}

std::vector<std::int64_t> ForeignNode::list_or_input(std::string_view attribute,
                                                     std::size_t input) const {
  return has(input) ? integers(input) : list(attribute);
}

std::string ForeignNode::described() const {
  const std::string_view name = !node_.name.empty()      ? node_.name
                                : !node_.outputs.empty() ? node_.outputs[0]
                                                         : std::string_view();
  return fmt::format("node '{}' ({})", name, node_.op);
}

void ForeignNode::refuse(const std::string& why) const {
  fail(ErrorKind::data, described() + ": " + why);
}

Piece ForeignNode::piece(std::string kind, int weights) const {
  std::string name(node_.name);
  if (weights >= 0 && has(static_cast<std::size_t>(weights))) {
    const onnx::Tensor* tensor = constant(static_cast<std::size_t>(weights));
    const std::string_view input = tensor == nullptr ? std::string_view() : tensor->name;
    for (const std::string_view ending : {".weight", ".weights", ".scale"}) {
      if (input.ends_with(ending)) name = input.substr(0, input.size() - ending.size());
    }
  }
  return {std::move(kind), std::move(name), described()};
}

void ForeignNode::give(int step) const {
  if (!node_.outputs.empty()) graph_.define(node_.outputs[0], step);
}

void ForeignNode::give_as(int step, Form form, const Shape& shape) const {
  Step same;
  same.sources = {step};
  same.form = form;
  same.shape = shape;
  give(graph_.add(std::move(same)));
}

void ForeignNode::give_from(std::size_t input, Piece piece) const {
  const Step& src = data(input);
  if (piece.kind.starts_with('(')) return give(std::move(piece), src.form, src.shape, input);
  const Form form = piece.kind == "linear" || piece.kind == "flatten" ? Form::vector : src.form;
  const Shape shape = shape_behind(piece, src.shape);
  if (shape.height < 1 || shape.width < 1 || shape.size() > kMostBehindLayer) {
    refuse(fmt::format("does not fit an image of {} x {} x {} (height x width x channels)",
                       src.shape.height, src.shape.width, src.shape.channels));
  }
  give(std::move(piece), form, shape, input);
}

void ForeignNode::give(Piece piece, Form form, const Shape& shape, std::size_t input) const {
  Step step;
  step.sources = {source(input)};
  step.piece = std::move(piece);
  step.form = form;
  step.shape = shape;
  give(graph_.add(std::move(step)));
}

void ForeignNode::give_join(Join join, std::vector<int> sources, const Shape& shape) const {
  Step step;
  step.form = graph_.steps_[static_cast<std::size_t>(sources[0])].form;
  step.sources = std::move(sources);
  step.join = join;
  step.made_by = piece("(join)");
  step.shape = shape;
  give(graph_.add(std::move(step)));
}

void ForeignNode::give_numbers(std::vector<std::int64_t> numbers) const {
  if (!node_.outputs.empty()) graph_.define(node_.outputs[0], std::move(numbers));
}

void ForeignNode::give_constant(const onnx::Tensor& tensor) const {
  if (!node_.outputs.empty()) graph_.define(node_.outputs[0], &tensor);
}

void ForeignNode::give_new_constant(onnx::Tensor tensor) const {
  graph_.made_.push_back(std::move(tensor));
  give_constant(graph_.made_.back());
}

}  // namespace kindred
