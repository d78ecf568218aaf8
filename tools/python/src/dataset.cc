#include <fmt/format.h>
#include <pybind11/stl.h>

#include <cstring>
#include <optional>

#include "arrays.h"
#include "bindings.h"
#include "held_dataset.h"
#include "interruption.h"
#include "kindred/core/error.h"
#include "kindred/train/picture_run.h"
#include "samples.h"

namespace kindred::python {
namespace {

/// A caller's array, read where it lies.
class ArraySamples final : public SampleSource {
 public:
  explicit ArraySamples(Samples samples)
      : SampleSource("arrays", samples.count, samples.shape, samples.element),
        samples_(std::move(samples)) {}

  bool in_memory() const override { return true; }
  void read(std::span<const Index> samples, std::byte* dst, Reading /*reading*/) override {
    for (const Index sample : samples) {
      std::memcpy(dst, samples_.data + sample * sample_bytes(),
                  static_cast<std::size_t>(sample_bytes()));
      dst += sample_bytes();
    }
  }

 private:
  Samples samples_;
};

std::vector<std::uint8_t> splits_of(py::handle object, Index rows) {
  std::vector<std::uint8_t> splits;
  if (PyList_Check(object.ptr()) || PyTuple_Check(object.ptr())) {
    const py::object first = py::reinterpret_steal<py::object>(
        py::len(object) > 0 ? PySequence_GetItem(object.ptr(), 0) : nullptr);
    if (first && py::isinstance<py::str>(first)) {
      for (const std::string& name : object.cast<std::vector<std::string>>()) {
        splits.push_back(static_cast<std::uint8_t>(split_named(name)));
      }
    }
  }
  if (splits.empty()) {
    for (const std::int64_t split : integers_of(object, "split", rows)) {
      splits.push_back(static_cast<std::uint8_t>(split < 0 || split > 2 ? 255 : split));
    }
  }
  for (const std::uint8_t split : splits) {
    if (split > 2) {
      fail(ErrorKind::data,
           "split holds something else than 0, 1 and 2, or train, validation and test");
    }
  }
  if (static_cast<Index>(splits.size()) != rows) {
    fail(ErrorKind::data,
         fmt::format("split has {} values; expected {}, one a row", splits.size(), rows));
  }
  return splits;
}

void name_classes(SampleColumns& columns, const std::vector<std::string>& names) {
  if (names.empty()) return;
  if (columns.class_names.empty()) {
    columns.class_names = names;
    return;
  }
  fail(ErrorKind::data,
       "class_names: the labels are names themselves, or numbers that are counted; give one of "
       "both");
}

std::shared_ptr<HeldDataset> from_arrays(py::handle images, py::handle labels,
                                         const std::vector<std::string>& class_names,
                                         py::handle split, py::handle groups, py::handle targets,
                                         const std::vector<std::string>& paths) {
  Samples samples = samples_of(images, "images");
  const Index rows = samples.count;
  SampleColumns columns;
  if (!labels.is_none()) {
    Labels read = labels_of(labels, "labels", rows);
    columns.labels = std::move(read.values);
    columns.class_names = std::move(read.names);
  }
  name_classes(columns, class_names);
  if (!split.is_none()) columns.split = splits_of(split, rows);
  if (!groups.is_none()) columns.groups = integers_of(groups, "groups", rows);
  columns.paths = paths;
  Matrix kept;
  if (!targets.is_none()) {
    const FloatRows read = float_rows(targets, "targets");
    kept = Matrix(read.view.rows(), read.view.cols());
    for (Index i = 0; i < kept.rows(); ++i) {
      std::copy_n(read.view.row(i), kept.cols(), kept.row(i));
    }
  }
  const py::gil_scoped_release released;
  return std::make_shared<HeldDataset>(Dataset::from_source(
      std::make_unique<ArraySamples>(std::move(samples)), std::move(columns), std::move(kept)));
}

py::dict import_folder(const std::string& source, const std::string& out, double minutes,
                       const std::vector<std::string>& settings, int threads) {
  Interruption interruption;
  ChoosingOptions options{
      .minutes = minutes, .threads = threads_for(threads), .assignments = settings};
  ImportedPictures imported;
  {
    const py::gil_scoped_release released;
    StoppableWork observer(interruption);
    imported = import_pictures(source, out, options, observer);
  }
  interruption.rethrow();
  py::dict report;
  report["samples"] = imported.report.samples;
  report["classes"] = imported.report.classes;
  report["unreadable"] = imported.report.unreadable;
  report["skipped"] = imported.report.skipped;
  report["why"] = imported.why;
  return report;
}

std::vector<Index> rows_of(py::handle indices, const Dataset& dataset) {
  std::vector<Index> rows;
  for (const std::int64_t index : integers_of(indices, "indices")) {
    const Index row = index < 0 ? index + dataset.size() : index;
    if (row < 0 || row >= dataset.size()) {
      throw py::index_error(
          fmt::format("sample {} is asked for; the data set has {}", index, dataset.size()));
    }
    rows.push_back(row);
  }
  return rows;
}

py::object read_samples(HeldDataset& held, py::handle indices) {
  const Dataset& dataset = held.get();
  const std::vector<Index> rows = rows_of(indices, dataset);
  const Shape shape = dataset.shape();
  const auto count = static_cast<Index>(rows.size());
  const auto values = static_cast<std::size_t>(count * shape.size());
  if (dataset.element() == Element::u8) {
    std::vector<std::uint8_t> pixels(values);
    {
      const py::gil_scoped_release released;
      dataset.read(rows, reinterpret_cast<std::byte*>(pixels.data()));
    }
    return numpy_array(std::move(pixels), {count, shape.height, shape.width, shape.channels});
  }
  std::vector<float> numbers(values);
  {
    const py::gil_scoped_release released;
    dataset.read(rows, reinterpret_cast<std::byte*>(numbers.data()));
  }
  if (shape.height == 1 && shape.width == 1) {
    return numpy_array(std::move(numbers), {count, shape.channels});
  }
  return numpy_array(std::move(numbers), {count, shape.height, shape.width, shape.channels});
}

template <typename T>
py::object column_of(std::span<const T> values) {
  if (values.empty()) return py::none();
  return numpy_array(std::vector<T>(values.begin(), values.end()),
                     {static_cast<Index>(values.size())});
}

py::object targets_of(HeldDataset& held) {
  const ConstMatrixView targets = held.get().targets();
  if (targets.empty()) return py::none();
  std::vector<float> values;
  for (Index i = 0; i < targets.rows(); ++i) {
    values.insert(values.end(), targets.row(i), targets.row(i) + targets.cols());
  }
  return numpy_array(std::move(values), {targets.rows(), targets.cols()});
}

std::string text_of(HeldDataset& held) {
  const Dataset& dataset = held.get();
  return fmt::format("<kindred.Dataset {}: {} samples of {}, {}>", dataset.path(), dataset.size(),
                     text_of_samples(dataset.shape(), dataset.element()),
                     dataset.has_labels() ? fmt::format("{} classes", dataset.classes())
                                          : std::string("no labels"));
}

}  // namespace

void bind_dataset(py::module_& module) {
  using namespace py::literals;
  py::class_<HeldDataset, std::shared_ptr<HeldDataset>>(module, "Dataset")
      .def(py::init([](const std::string& path, std::string images, std::string labels,
                       std::string layout, std::string negative_labels) {
             const py::gil_scoped_release released;
             return std::make_shared<HeldDataset>(
                 path, DatasetNames{std::move(images), std::move(labels), std::move(layout),
                                    std::move(negative_labels)});
           }),
           "path"_a, py::kw_only(), "images"_a = "", "labels"_a = "", "layout"_a = "",
           "negative_labels"_a = "")
      // Another object of the same.
      .def(py::init([](std::shared_ptr<HeldDataset> other) { return other; }), "other"_a)
      .def_static("_from_arrays", &from_arrays)
      .def_static("_import_folder", &import_folder)
      .def("__len__", [](HeldDataset& held) { return held.get().size(); })
      .def("read", &read_samples, "indices"_a)
      .def(
          "samples_of",
          [](HeldDataset& held, const std::string& split) {
            const std::vector<Index> rows = held.get().samples_of(split_named(split));
            return numpy_array(std::vector<std::int64_t>(rows.begin(), rows.end()),
                               {static_cast<Index>(rows.size())});
          },
          "split"_a)
      .def_property_readonly("shape",
                             [](HeldDataset& held) {
                               return tuple_of_shape(held.get().shape(), held.get().element());
                             })
      .def_property_readonly("labels",
                             [](HeldDataset& held) { return column_of(held.get().labels()); })
      .def_property_readonly("split",
                             [](HeldDataset& held) { return column_of(held.get().split()); })
      .def_property_readonly("groups",
                             [](HeldDataset& held) { return column_of(held.get().groups()); })
      .def_property_readonly("targets", &targets_of)
      .def_property_readonly("classes", [](HeldDataset& held) { return held.get().classes(); })
      .def_property_readonly("class_names",
                             [](HeldDataset& held) { return held.get().class_names(); })
      .def_property_readonly("paths", [](HeldDataset& held) { return held.get().paths(); })
      .def_property_readonly("notes", [](HeldDataset& held) { return held.get().notes(); })
      .def_property_readonly("path",
                             [](HeldDataset& held) -> std::optional<std::string> {
                               if (!held.is_file()) return std::nullopt;
                               return held.path();
                             })
      .def("__repr__", &text_of);
}

}  // namespace kindred::python
