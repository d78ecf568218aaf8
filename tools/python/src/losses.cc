#include <fmt/format.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "arrays.h"
#include "bindings.h"
#include "kindred/core/error.h"
#include "kindred/loss/mined_pairs.h"
#include "kindred/loss/miner.h"
#include "lone_loss.h"
#include "shared_workers.h"

namespace kindred::python {
namespace {

SettingValue setting_value(const std::string& key, py::object value) {
  if (py::hasattr(value, "item") && !py::isinstance<py::str>(value)) value = value.attr("item")();
  if (PyBool_Check(value.ptr()) != 0) return value.cast<bool>();
  if (PyLong_Check(value.ptr()) != 0) return value.cast<Index>();
  if (PyFloat_Check(value.ptr()) != 0) return value.cast<double>();
  if (PyUnicode_Check(value.ptr()) != 0) return value.cast<std::string>();
  fail(ErrorKind::recipe, fmt::format("{} = {}; expected a number, true or false, or a text", key,
                                      py::repr(value).cast<std::string>()));
}

NamedSettings named_settings(const std::string& name, const py::dict& values) {
  NamedSettings settings{name, {}};
  for (const auto& [key, value] : values) {
    const auto text = py::cast<std::string>(key);
    settings.values.emplace_back(text,
                                 setting_value(text, py::reinterpret_borrow<py::object>(value)));
  }
  return settings;
}

/// `value` is TOML's text of the default, which JSON's reader takes, too.
py::list listed(const std::vector<Setting>& settings) {
  py::list list;
  for (const Setting& setting : settings) {
    py::dict entry;
    entry["key"] = setting.key;
    entry["type"] = setting.type;
    entry["value"] = setting.value;
    entry["description"] = setting.description;
    entry["low"] = setting.range.low;
    entry["high"] = setting.range.high;
    list.append(entry);
  }
  return list;
}

const char* what_it_learns_from(LearnsFrom learns_from) {
  return learns_from == LearnsFrom::targets   ? "targets"
         : learns_from == LearnsFrom::classes ? "classes"
                                              : "pairs";
}

/// Whether some setting that is true or false makes a loss keep numbers for each class.
bool may_need_classes(const LossEntry& entry, const std::vector<Setting>& settings) {
  return std::ranges::any_of(settings, [&](const Setting& setting) {
    if (setting.type != "true or false") return false;
    return needs_of({std::string(entry.name), {{setting.key, setting.value != "true"}}}).classes;
  });
}

py::list list_losses() {
  py::list losses;
  for (const LossEntry& entry : loss_registry()) {
    Recipe recipe;
    Section section = recipe.root();
    LossContext context;
    context.name = "loss";
    context.embedding = context.batch = context.targets = 4;
    context.classes = 2;
    ParameterTable table;
    State state;
    entry.make(section, context, table, state);
    const LossNeedsOf needs = needs_of({std::string(entry.name), {}});
    py::dict listing;
    listing["name"] = entry.name;
    listing["summary"] = entry.summary;
    listing["learns_from"] = what_it_learns_from(entry.learns_from);
    listing["needs_classes"] = needs.classes;
    listing["may_need_classes"] = needs.classes || may_need_classes(entry, section.settings());
    listing["settings"] = listed(section.settings());
    losses.append(listing);
  }
  return losses;
}

py::list list_miners() {
  py::list miners;
  for (const MinerEntry& entry : miner_registry()) {
    Recipe recipe;
    Section section = recipe.root();
    read_miner_settings(entry, section);
    py::dict listing;
    listing["name"] = entry.name;
    listing["summary"] = entry.summary;
    listing["settings"] = listed(section.settings());
    miners.append(listing);
  }
  return miners;
}

/// Fails with recipe where the miner or its settings do not exist.
void check_miner(const std::string& name, const py::dict& settings) {
  for (const MinerEntry& entry : miner_registry()) {
    if (entry.name != name) continue;
    Recipe recipe;
    Section section = recipe.root().section(name);
    section.put_settings({"", named_settings(name, settings).values});
    read_miner_settings(entry, section);
    return section.finish();
  }
  fail(ErrorKind::recipe, fmt::format("unknown miner '{}'", name));
}

/// Four columns of row numbers, as in MinedPairs.
py::tuple mine(const std::string& name, const py::dict& settings, py::handle embeddings,
               py::handle labels, const std::string& distance, bool normalize, Index step,
               std::uint64_t seed, int threads) {
  const FloatRows rows = float_rows(embeddings, "embeddings");
  const std::vector<std::int64_t> classes = labels_of(labels, "labels", rows.view.rows()).values;
  const NamedSettings miner = named_settings(name, settings);
  const Workers& workers = shared_workers(threads);
  LossInput input;
  input.embeddings = rows.view;
  input.labels = classes;
  input.step = step;
  input.seed = seed;
  MinedPairs pairs;
  {
    const py::gil_scoped_release released;
    pairs = mine_pairs(workers, miner, {distance, normalize}, input);
  }
  py::list columns;
  for (std::vector<Index>* column :
       {&pairs.anchors, &pairs.kin, &pairs.other_anchors, &pairs.others}) {
    const auto count = static_cast<Index>(column->size());
    columns.append(numpy_array(std::vector<std::int64_t>(column->begin(), column->end()), {count}));
  }
  return py::tuple(columns);
}

/// What numpy.asarray takes as memory of a loss, which it keeps alive.
struct LossMemory {
  std::shared_ptr<LoneLoss> owner;
  LoneLoss::Weights weights;
};

std::shared_ptr<LoneLoss> make_loss(const std::string& name, const py::dict& settings,
                                    std::optional<Index> classes, std::optional<Index> embedding,
                                    std::uint64_t seed) {
  NamedSettings named = named_settings(name, settings);
  const py::gil_scoped_release released;
  return std::make_shared<LoneLoss>(std::move(named), LossShape{classes, embedding}, seed);
}

/// The labels that a loss learns from: as they are where it keeps something for each class, or
/// earlier ones; else any that tell classes apart.
std::vector<std::int64_t> labels_for(const LoneLoss& loss, py::handle labels, Index rows) {
  if (!loss.entry().needs_labels()) return {};
  if (labels.is_none()) {
    fail(ErrorKind::usage,
         fmt::format("loss {}: needs labels, one for each embedding", loss.entry().name));
  }
  const bool as_they_are = loss.needs().classes || loss.needs().memory;
  return as_they_are ? integers_of(labels, "labels", rows)
                     : labels_of(labels, "labels", rows).values;
}

Values<float> targets_for(const LoneLoss& loss, py::handle targets, Index rows) {
  if (!loss.entry().needs_targets()) return {};
  if (targets.is_none()) {
    fail(ErrorKind::usage,
         fmt::format("loss {}: needs targets, one row for each embedding", loss.entry().name));
  }
  Values<float> values = float_values(targets, "targets", 2);
  if (values.shape[0] != rows) {
    fail(ErrorKind::data, fmt::format("targets is {}; expected one row for each of {} embeddings",
                                      text_of_shape(values.shape), rows));
  }
  return values;
}

/// (value, gradient, gradients of its weights by name, numbers for a log by name)
py::tuple compute(const std::shared_ptr<LoneLoss>& loss, py::handle embeddings, py::handle labels,
                  py::handle targets, Index step, Index planned_steps, int threads) {
  const FloatRows rows = float_rows(embeddings, "embeddings");
  const Index count = rows.view.rows();
  const std::vector<std::int64_t> classes = labels_for(*loss, labels, count);
  const Values<float> values = targets_for(*loss, targets, count);
  const Workers& workers = shared_workers(threads);
  LossInput input;
  input.embeddings = rows.view;
  input.labels = classes;
  if (values.data != nullptr) input.targets = {values.data, values.shape[0], values.shape[1]};
  input.step = step;
  input.planned_steps = planned_steps;
  LoneLoss::Answer answer;
  {
    const py::gil_scoped_release released;
    answer = loss->compute(workers, input);
  }
  py::dict gradients;
  for (LoneLoss::DiffWeights& diff : answer.diff_weights) {
    gradients[py::str(diff.name)] = numpy_array(std::move(diff.values), diff.shape);
  }
  py::dict scalars;
  for (const LossScalar& scalar : answer.scalars) scalars[scalar.name] = scalar.value;
  return py::make_tuple(answer.value, numpy_array(std::move(answer.diff_embeddings)), gradients,
                        scalars);
}

py::dict weights_of(const std::shared_ptr<LoneLoss>& loss) {
  std::vector<LoneLoss::Weights> all;
  {
    const py::gil_scoped_release released;
    all = loss->weights();
  }
  py::dict weights;
  for (LoneLoss::Weights& one : all) {
    const std::string name = one.name;
    weights[py::str(name)] =
        py::module_::import("numpy").attr("asarray")(LossMemory{loss, std::move(one)});
  }
  return weights;
}

template <typename T>
py::object array_of(const LoneLoss::Carried& carried) {
  std::vector<T> values(carried.bytes.size() / sizeof(T));
  std::memcpy(values.data(), carried.bytes.data(), carried.bytes.size());
  return numpy_array(std::move(values), carried.shape);
}

py::dict state_of(const std::shared_ptr<LoneLoss>& loss) {
  std::vector<LoneLoss::Carried> all;
  {
    const py::gil_scoped_release released;
    all = loss->carried();
  }
  py::dict state;
  for (const LoneLoss::Carried& carried : all) {
    state[py::str(carried.name)] = carried.type == DataType::f32   ? array_of<float>(carried)
                                   : carried.type == DataType::f64 ? array_of<double>(carried)
                                   : carried.type == DataType::i64
                                       ? array_of<std::int64_t>(carried)
                                       : array_of<std::uint8_t>(carried);
  }
  return state;
}

void restore(const std::shared_ptr<LoneLoss>& loss, const std::string& name,
             const py::buffer& array) {
  const py::buffer_info info = array.request();
  const bool whole = info.format == "l" || info.format == "q";
  const DataType type = info.format == "f"   ? DataType::f32
                        : info.format == "d" ? DataType::f64
                        : whole              ? DataType::i64
                                             : DataType::u8;
  const py::gil_scoped_release released;
  loss->restore(name, type,
                {static_cast<const unsigned char*>(info.ptr),
                 static_cast<std::size_t>(info.size * info.itemsize)});
}

}  // namespace

void bind_losses(py::module_& module) {
  module.def("list_losses", &list_losses, "Every loss of the registry with its settings.");
  module.def("list_miners", &list_miners, "Every miner of the registry with its settings.");
  module.def("check_miner", &check_miner, py::arg("name"), py::arg("settings"));
  module.def("mine", &mine, py::arg("name"), py::arg("settings"), py::arg("embeddings"),
             py::arg("labels"), py::arg("distance"), py::arg("normalize"), py::arg("step"),
             py::arg("seed"), py::arg("threads"));
  py::class_<LossMemory>(module, "LossMemory", py::buffer_protocol(), "Weights of a loss.")
      .def_buffer([](LossMemory& memory) {
        std::vector<py::ssize_t> strides(memory.weights.shape.size());
        py::ssize_t next = sizeof(float);
        for (std::size_t i = strides.size(); i-- > 0;) {
          strides[i] = next;
          next *= memory.weights.shape[i];
        }
        return py::buffer_info(memory.weights.data, sizeof(float), "f",
                               static_cast<py::ssize_t>(memory.weights.shape.size()),
                               memory.weights.shape, std::move(strides));
      });
  py::class_<LoneLoss, std::shared_ptr<LoneLoss>>(module, "Loss", "One loss outside a run.")
      .def(py::init(&make_loss), py::arg("name"), py::arg("settings"), py::arg("num_classes"),
           py::arg("embedding_size"), py::arg("seed"))
      .def("compute", &compute, py::arg("embeddings"), py::arg("labels"), py::arg("targets"),
           py::arg("step"), py::arg("planned_steps"), py::arg("threads"))
      .def("weights", &weights_of)
      .def("state", &state_of)
      .def("restore", &restore, py::arg("name"), py::arg("array"));
}

}  // namespace kindred::python
