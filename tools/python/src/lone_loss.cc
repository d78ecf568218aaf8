#include "lone_loss.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "kindred/core/error.h"

namespace kindred::python {
namespace {

constexpr Index kAnyClasses = std::numeric_limits<std::int32_t>::max();

/// All numbers that a loss of that context keeps.
Index kept(const LossEntry& entry, const NamedSettings& settings, Index classes, Index embedding) {
  Recipe recipe;
  Section section = recipe.root().append("loss");
  section.put_settings(settings);
  std::string name;
  section.read("name", name, "which loss");
  LossContext context;
  context.name = "loss." + settings.name;
  context.embedding = embedding;
  context.classes = classes;
  context.batch = 1;
  context.targets = embedding;
  ParameterTable table;
  State state;
  entry.make(section, context, table, state);
  section.finish();
  Index sum = 0;
  for (const Segment& segment : table.segments()) sum += segment.size;
  for (const auto& array : state.arrays()) sum += array->size();
  return sum;
}

}  // namespace

LossNeedsOf needs_of(const NamedSettings& settings) {
  const LossEntry& entry = find_loss(settings.name);
  const Index least = kept(entry, settings, 2, 4);
  LossNeedsOf needs{.classes = kept(entry, settings, 3, 4) != least,
                    .embedding = kept(entry, settings, 2, 8) != least};
  for (const auto& [key, value] : settings.values) {
    const Index* const rows = std::get_if<Index>(&value);
    if (key == "memory" && rows != nullptr && *rows > 0) needs.memory = true;
  }
  return needs;
}

LoneLoss::LoneLoss(NamedSettings settings, LossShape shape, std::uint64_t seed)
    : settings_(std::move(settings)),
      entry_(&find_loss(settings_.name)),
      needs_(needs_of(settings_)),
      shape_(shape),
      seed_(seed) {
  const auto check = [&](const char* name, std::optional<Index> number, bool needed) {
    if (number ? *number < 1 || *number > kAnyClasses : needed) {
      fail(ErrorKind::usage,
           number ? fmt::format("loss {}: {} = {}; expected a number from 1 on", settings_.name,
                                name, *number)
                  : fmt::format("loss {}: keeps numbers for each class or dimension; name {}",
                                settings_.name, name));
    }
  };
  check("num_classes", shape.classes, needs_.classes);
  check("embedding_size", shape.embedding, needs_.classes && needs_.embedding);
  if (!needs_.embedding || shape.embedding) {
    make(1, shape.embedding.value_or(4), shape.embedding.value_or(4));
  }
}

void LoneLoss::make(Index batch, Index embedding, Index targets) {
  Recipe recipe;
  recipe.root().append("loss").put_settings(settings_);
  LossContext context;
  context.embedding = embedding;
  context.classes = shape_.classes.value_or(kAnyClasses);
  context.batch = batch;
  context.targets = targets;
  context.seed = seed_;
  ParameterTable table;
  auto state = std::make_unique<State>();
  auto objective = std::make_unique<Objective>(recipe.root(), context, table, *state);
  if (!objective_) {
    parameters_ = Buffer<float>(table.size());
    gradient_ = Buffer<float>(table.size());
    objective->initialise(seed_, parameters_.span());
  } else {
    for (const auto& array : state->arrays()) {
      const State::Array* const old = state_->find(array->name);
      std::copy_n(old->bytes.data(), old->bytes.size(), array->bytes.data());
    }
  }
  table_ = std::move(table);
  objective_ = std::move(objective);  // before the state that the old one points into
  state_ = std::move(state);
  batch_ = batch;
  embedding_ = embedding;
  targets_ = targets;
}

void LoneLoss::fit(const LossInput& input) {
  const Index embedding = input.embeddings.cols();
  if (shape_.embedding && embedding != *shape_.embedding) {
    fail(ErrorKind::data, fmt::format("embeddings have {} columns; this {} was made with "
                                      "embedding_size = {}",
                                      embedding, settings_.name, *shape_.embedding));
  }
  if (needs_.embedding && objective_ && embedding != embedding_) {
    fail(ErrorKind::data,
         fmt::format("embeddings have {} columns; those that this {} remembers had {}", embedding,
                     settings_.name, embedding_));
  }
  const Index batch = std::max(batch_, input.embeddings.rows());
  const Index targets = input.targets.cols();
  if (!objective_ || batch != batch_ || embedding != embedding_ ||
      (entry_->needs_targets() && targets != targets_)) {
    make(batch, embedding, std::max<Index>(targets, 1));
  }
}

std::span<const std::int64_t> LoneLoss::checked_labels(std::span<const std::int64_t> labels) {
  if (labels.empty()) return labels;
  const auto [low, high] = std::ranges::minmax(labels);
  const Index classes = shape_.classes.value_or(kAnyClasses);
  if (low >= 0 && high < classes) return labels;
  if (shape_.classes || needs_.memory) {
    fail(ErrorKind::data, fmt::format("labels: holds {}; expected classes from 0 to {}",
                                      low < 0 ? low : high, classes - 1));
  }
  labels_.assign(labels.begin(), labels.end());
  std::ranges::sort(labels_);
  labels_.erase(std::unique(labels_.begin(), labels_.end()), labels_.end());
  std::vector<std::int64_t> places;
  places.reserve(labels.size());
  for (const std::int64_t label : labels) {
    places.push_back(std::ranges::lower_bound(labels_, label) - labels_.begin());
  }
  labels_ = std::move(places);
  return labels_;
}

/// Of their own for each batch where rows are compared with earlier ones.
std::span<const Index> LoneLoss::ids(Index rows) {
  constexpr Index kMost = Index{1} << 30;  // losses keep them in 32 bits
  if (!needs_.memory || next_id_ + rows > kMost) next_id_ = 0;
  ids_.resize(static_cast<std::size_t>(rows));
  for (Index& id : ids_) id = next_id_++;
  return ids_;
}

std::string LoneLoss::short_name(std::string_view name) const {
  const std::string prefix = "loss." + settings_.name + ".";
  return std::string(name.starts_with(prefix) ? name.substr(prefix.size()) : name);
}

LoneLoss::Answer LoneLoss::compute(const Workers& workers, LossInput input) {
  const std::lock_guard lock(mutex_);
  const ComputeScope scope;
  fit(input);
  input.labels = checked_labels(input.labels);
  if (input.sample_ids.empty()) input.sample_ids = ids(input.embeddings.rows());
  input.seed = seed_;
  input.parameters = parameters_.span();
  Answer answer{.diff_embeddings = Matrix(input.embeddings.rows(), input.embeddings.cols())};
  std::fill_n(gradient_.data(), gradient_.size(), 0.0F);
  objective_->compute(workers, input, answer.diff_embeddings.view(), gradient_.span());
  const LossReport& report = objective_->reports()[0];
  answer.value = report.value;
  answer.scalars = report.scalars;
  for (const Segment& segment : table_.segments()) {
    const float* const first = gradient_.data() + segment.offset;
    answer.diff_weights.push_back(
        {short_name(segment.name), segment.shape, {first, first + segment.size}});
  }
  return answer;
}

std::vector<LoneLoss::Weights> LoneLoss::weights() {
  const std::lock_guard lock(mutex_);
  std::vector<Weights> weights;
  for (const Segment& segment : table_.segments()) {
    weights.push_back(
        {short_name(segment.name), segment.shape, parameters_.data() + segment.offset});
  }
  return weights;
}

std::vector<LoneLoss::Carried> LoneLoss::carried() {
  const std::lock_guard lock(mutex_);
  std::vector<Carried> all;
  if (!state_) return all;
  for (const auto& array : state_->arrays()) {
    all.push_back({short_name(array->name),
                   array->shape,
                   array->type,
                   {array->bytes.data(), array->bytes.data() + array->bytes.size()}});
  }
  return all;
}

void LoneLoss::restore(const std::string& name, DataType type,
                       std::span<const unsigned char> bytes) {
  const std::lock_guard lock(mutex_);
  if (state_) {
    for (const auto& array : state_->arrays()) {
      if (short_name(array->name) != name) continue;
      if (array->type == type && array->bytes.size() == static_cast<Index>(bytes.size())) {
        std::copy(bytes.begin(), bytes.end(), array->bytes.data());
        return;
      }
      fail(ErrorKind::data,
           fmt::format("state '{}' has {} bytes of {}; loss {} keeps {} of {} there", name,
                       bytes.size(), name_of(type), settings_.name, array->bytes.size(),
                       name_of(array->type)));
    }
  }
  fail(ErrorKind::data, fmt::format("loss {} keeps nothing called '{}'", settings_.name, name));
}

}  // namespace kindred::python
