#include "pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred::python {

namespace py = pybind11;

namespace {

bool is_path(py::handle object) {
  return PyUnicode_Check(object.ptr()) || py::hasattr(object, "__fspath__");
}

// Without importing PIL: what it is not loaded for, nobody has an image of.
bool is_pil(py::handle object) {
  return py::hasattr(object, "mode") && py::hasattr(object, "size") &&
         py::hasattr(object, "save") && py::hasattr(object, "convert");
}

bool is_picture(py::handle object) {
  return is_path(object) || PyBytes_Check(object.ptr()) || is_pil(object);
}

bool is_sequence_of_objects(py::handle object) {
  return PyList_Check(object.ptr()) || PyTuple_Check(object.ptr());
}

std::vector<std::byte> bytes_of(py::handle object) {
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(object.ptr(), &data, &size) != 0) throw py::error_already_set();
  const auto* const first = reinterpret_cast<const std::byte*>(data);
  return {first, first + size};
}

std::vector<std::byte> file_of_pil(py::handle image) {
  const auto mode = image.attr("mode").cast<std::string>();
  const auto is_one_of = [&](std::initializer_list<const char*> modes) {
    return std::find(modes.begin(), modes.end(), mode) != modes.end();
  };
  py::object plain = py::reinterpret_borrow<py::object>(image);
  if (is_one_of({"CMYK", "YCbCr", "HSV", "LAB", "RGBX"})) plain = image.attr("convert")("RGB");
  if (mode == "F") plain = image.attr("convert")("L");
  const bool pnm = is_one_of({"L", "RGB", "CMYK", "YCbCr", "HSV", "LAB", "RGBX", "F"});
  const py::object buffer = py::module_::import("io").attr("BytesIO")();
  plain.attr("save")(buffer, pnm ? "PPM" : "PNG");
  return bytes_of(buffer.attr("getvalue")());
}

EncodedPicture encoded_picture(py::handle object, std::size_t place) {
  if (is_path(object)) {
    const py::object path = py::module_::import("os").attr("fsdecode")(object);
    const py::object bytes = py::module_::import("os").attr("fsencode")(path);
    return {.where = bytes.cast<std::string>()};
  }
  const std::string where = fmt::format("picture {}", place);
  if (PyBytes_Check(object.ptr()))
    return {.where = where, .is_file = false, .bytes = bytes_of(object)};
  if (is_pil(object)) return {.where = where, .is_file = false, .bytes = file_of_pil(object)};
  fail(ErrorKind::data,
       fmt::format(
           "{} is of type {}; expected a path, bytes of an image file, or an image of PIL's", where,
           py::str(py::type::handle_of(object).attr("__name__")).cast<std::string>()));
}

}  // namespace

bool are_pictures(py::handle object) {
  if (is_picture(object)) return true;
  if (!is_sequence_of_objects(object) || py::len(object) == 0) return false;
  return is_picture(py::reinterpret_steal<py::object>(PySequence_GetItem(object.ptr(), 0)));
}

std::vector<EncodedPicture> encoded_pictures(py::handle object) {
  std::vector<EncodedPicture> pictures;
  if (is_picture(object)) {
    pictures.push_back(encoded_picture(object, 0));
    return pictures;
  }
  for (const py::handle element : py::iter(object)) {
    pictures.push_back(encoded_picture(element, pictures.size()));
  }
  return pictures;
}

std::vector<std::byte> decode_pictures(PictureDecoder& decoder, const Workers& workers,
                                       const std::vector<EncodedPicture>& pictures, Index first,
                                       Index count, Index sample_bytes) {
  std::vector<std::byte> samples(static_cast<std::size_t>(count * sample_bytes));
  std::vector<std::string> errors(static_cast<std::size_t>(count));
  const auto decode = [&](Index i, int /*worker*/) {
    const EncodedPicture& picture = pictures[static_cast<std::size_t>(first + i)];
    const Picture read = picture.is_file ? decoder.decode(read_file(picture.where), picture.where)
                                         : decoder.decode(picture.bytes, picture.where);
    if (read.error.empty()) {
      std::memcpy(samples.data() + i * sample_bytes, read.sample.data(), read.sample.size());
    } else {
      errors[static_cast<std::size_t>(i)] = read.error;
    }
  };
  workers.for_each(count, decode);
  const auto error =
      std::find_if(errors.begin(), errors.end(), [](const auto& text) { return !text.empty(); });
  if (error != errors.end()) fail(ErrorKind::data, *error);
  return samples;
}

}  // namespace kindred::python
