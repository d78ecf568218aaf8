#pragma once
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kindred/core/shape.h"
#include "train/exchange/piece.h"
#include "train/onnx/messages.h"
#include "train/onnx/tensor_values.h"

namespace kindred {

/// How a tensor of the network lies: [N, C, H, W], [N, H, W, C], or [N, C].
enum class Form { image, image_last, vector };

/// What a step does with the tensors that it reads.
enum class Join { none, add, concatenate, multiply, divide };

/// A tensor that depends on the network's input, and what made it.
struct Step {
  std::vector<int> sources;  ///< steps that it reads; none: the input
  Join join = Join::none;
  std::optional<Piece> piece;  ///< what one source is passed through; none: it is the source
  Piece made_by;               ///< a join: its name and node
  Form form = Form::image;
  Shape shape;
  /// The step behind which the sources part (of one source, that), and how far from the input it
  /// is.
  int dominator = -1;
  int depth = 0;
};

/// Marks the batch's size in shapes that the graph computes with.
inline constexpr std::int64_t kBatchExtent = std::int64_t{-1} << 40;

/// What is asked of a file.
struct GraphQuestion {
  std::string embedding_output;  ///< a tensor's name; "": the only output
  Index height = 0;              ///< of the input, where the file leaves it free
  Index width = 0;
};

/// A graph of ONNX, read as steps from its input to the tensor that is the embedding. What the
/// embedding does not need is not looked at. Fails with data at the first node, in the file's
/// order, that is not known or cannot be a layer: the message names it.
class ForeignGraph {
 public:
  /// REQUIRES: model and values outlive it.
  ForeignGraph(const onnx::Model& model, const onnx::TensorValues& values,
               const GraphQuestion& question);

  /// The first is the input, the last may be anything.
  const std::vector<Step>& steps() const { return steps_; }
  int embedding() const { return embedding_; }
  bool takes_bytes() const { return takes_bytes_; }

 private:
  friend class ForeignNode;
  /// What a name stands for: a step, a constant, or whole numbers that the graph computes.
  using Known = std::variant<int, const onnx::Tensor*, std::vector<std::int64_t>>;

  void read_constants();
  void read_input(const GraphQuestion& question);
  bool input_is_channels_last(std::string_view input) const;
  std::string_view output_name(const GraphQuestion& question) const;
  std::vector<bool> needed_nodes(std::string_view output) const;
  void define(std::string_view name, Known what);
  int add(Step step);
  int common_dominator(int a, int b) const;

  const onnx::Model& model_;
  const onnx::TensorValues& values_;
  std::map<std::string_view, Known> known_;
  std::deque<onnx::Tensor> made_;  ///< constants that the graph makes of others
  std::vector<Step> steps_;
  int embedding_ = 0;
  bool takes_bytes_ = false;
};

}  // namespace kindred
