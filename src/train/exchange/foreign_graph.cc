#include "train/exchange/foreign_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "kindred/core/error.h"
#include "train/exchange/foreign_node.h"

namespace kindred {
namespace {

constexpr Index kMostInputExtent = Index{1} << 20;
constexpr Index kMostInput = Index{1} << 28;  // values of a sample, as in data sets

[[noreturn]] void refuse_graph(const std::string& why) { fail(ErrorKind::data, why); }

std::string text_of_extents(const std::vector<Index>& shape) {
  std::vector<std::string> extents;
  for (const Index extent : shape) {
    extents.push_back(extent < 0 ? "free" : fmt::format("{}", extent));
  }
  return fmt::format("[{}]", fmt::join(extents, ", "));
}

}  // namespace

ForeignGraph::ForeignGraph(const onnx::Model& model, const onnx::TensorValues& values,
                           const GraphQuestion& question)
    : model_(model), values_(values) {
  read_constants();
  read_input(question);
  const std::string_view output = output_name(question);
  const std::vector<bool> needed = needed_nodes(output);
  for (std::size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) ForeignNode(*this, model.graph.nodes[i]).interpret();
  }
  const auto found = known_.find(output);
  if (found == known_.end() || !std::holds_alternative<int>(found->second)) {
    refuse_graph(fmt::format("its output '{}' does not depend on its input", output));
  }
  embedding_ = std::get<int>(found->second);
}

void ForeignGraph::read_constants() {
  for (const onnx::Tensor& tensor : model_.graph.constants) define(tensor.name, &tensor);
}

void ForeignGraph::define(std::string_view name, Known what) {
  if (name.empty()) return;
  if (!known_.emplace(name, std::move(what)).second) {
    refuse_graph(fmt::format("gives the name '{}' twice", name));
  }
}

void ForeignGraph::read_input(const GraphQuestion& question) {
  const onnx::Value* input = nullptr;
  for (const onnx::Value& value : model_.graph.inputs) {
    if (known_.contains(value.name)) continue;  // a constant's default
    if (input != nullptr) {
      refuse_graph(fmt::format("has more than one input ('{}' and '{}'); a network of ours has one",
                               input->name, value.name));
    }
    input = &value;
  }
  if (input == nullptr) refuse_graph("has no input");
  const auto type = static_cast<onnx::TensorType>(input->type);
  takes_bytes_ = type == onnx::TensorType::u8;
  if (!takes_bytes_ && type != onnx::TensorType::f32) {
    refuse_graph(fmt::format("its input '{}' is of type {}; float32 or uint8 is expected",
                             input->name, input->type));
  }
  std::vector<Index> shape = input->shape;
  const std::string said = text_of_extents(shape);
  if (!input->has_shape || (shape.size() != 4 && shape.size() != 2)) {
    refuse_graph(
        fmt::format("its input '{}' has the shape {}; images of four extents or vectors of two "
                    "are expected",
                    input->name, said));
  }
  Step step;
  step.form = Form::vector;
  if (shape.size() == 4) {
    step.form = input_is_channels_last(input->name) ? Form::image_last : Form::image;
    const std::size_t height = step.form == Form::image ? 2 : 1;
    if (question.height > 0) {
      for (const auto& [axis, extent] :
           {std::pair(height, question.height), std::pair(height + 1, question.width)}) {
        if (shape[axis] < 0) shape[axis] = extent;
        if (shape[axis] != extent) {
          refuse_graph(fmt::format("its input '{}' is {}, not {} x {} (height x width)",
                                   input->name, said, question.height, question.width));
        }
      }
    }
    step.shape = {shape[step.form == Form::image ? 1 : 3], shape[height], shape[height + 1]};
  } else {
    step.shape = {shape[1], 1, 1};
  }
  const Shape& found = step.shape;
  for (const Index extent : {found.channels, found.height, found.width}) {
    if (extent < 0) {
      refuse_graph(fmt::format("its input '{}' is {}: say its height and width with --size HxW",
                               input->name, said));
    }
    if (extent > kMostInputExtent)
      refuse_graph(fmt::format("its input '{}' is {}", input->name, said));
  }
  if (found.size() > kMostInput)
    refuse_graph(fmt::format("its input '{}' is {}", input->name, said));
  steps_.push_back(std::move(step));
  define(input->name, 0);
}

/// True where what the input is first turned into is [N, C, H, W] out of [N, H, W, C].
bool ForeignGraph::input_is_channels_last(std::string_view input) const {
  static const std::set<std::string_view> kKeeps{"Add", "Cast", "Div", "Identity", "Mul", "Sub"};
  std::string_view name = input;
  for (const onnx::Node& node : model_.graph.nodes) {  // in order: each reads what is before it
    if (std::ranges::find(node.inputs, name) == node.inputs.end()) continue;
    if (node.op == "Transpose") {
      const auto perm = node.attributes.find("perm");
      return perm != node.attributes.end() &&
             perm->second.integers == std::vector<std::int64_t>{0, 3, 1, 2};
    }
    if (!kKeeps.contains(node.op) || node.outputs.empty()) return false;
    name = node.outputs[0];
  }
  return false;
}

std::string_view ForeignGraph::output_name(const GraphQuestion& question) const {
  if (!question.embedding_output.empty()) return question.embedding_output;
  const std::vector<onnx::Value>& outputs = model_.graph.outputs;
  if (outputs.size() == 1) return outputs[0].name;
  std::string names;
  for (const onnx::Value& output : outputs) {
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", output.name);
  }
  refuse_graph(outputs.empty() ? "has no output"
                               : fmt::format("has {} outputs ({}); say which is the embedding with "
                                             "--embedding-output NAME",
                                             outputs.size(), names.substr(0, 400)));
}

std::vector<bool> ForeignGraph::needed_nodes(std::string_view output) const {
  const std::vector<onnx::Node>& nodes = model_.graph.nodes;
  std::vector<bool> needed(nodes.size());
  std::set<std::string_view> wanted{output};
  bool made = known_.contains(output);
  for (std::size_t i = nodes.size(); i-- > 0;) {  // each reads what is before it
    for (const std::string_view name : nodes[i].outputs) {
      if (!name.empty() && wanted.contains(name)) needed[i] = true;
      made = made || name == output;
    }
    if (needed[i]) wanted.insert(nodes[i].inputs.begin(), nodes[i].inputs.end());
  }
  if (!made) refuse_graph(fmt::format("has no tensor '{}'", output));
  return needed;
}

int ForeignGraph::add(Step step) {
  step.dominator = step.sources[0];
  for (const int source : step.sources) step.dominator = common_dominator(step.dominator, source);
  step.depth = steps_[static_cast<std::size_t>(step.dominator)].depth + 1;
  steps_.push_back(std::move(step));
  return static_cast<int>(steps_.size()) - 1;
}

int ForeignGraph::common_dominator(int a, int b) const {
  const auto step = [&](int i) -> const Step& { return steps_[static_cast<std::size_t>(i)]; };
  while (a != b) {
    if (step(a).depth < step(b).depth) std::swap(a, b);
    a = step(a).dominator;
  }
  return a;
}

}  // namespace kindred
