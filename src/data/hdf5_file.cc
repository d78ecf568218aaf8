#include "kindred/data/hdf5_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "data/hdf5_dataset.h"
#include "data/hdf5_session.h"
#include "data/hdf5_table.h"

namespace kindred {
namespace {

herr_t refuse_external_link(const char* /*parent_file*/, const char* /*parent_group*/,
                            const char* /*file*/, const char* /*object*/, unsigned* /*flags*/,
                            hid_t /*access*/, void* /*data*/) {
  return -1;
}

// "a/b/" for "/a//b": one form for all spellings of a path inside the file.
std::string tidy(std::string_view name) {
  std::string result;
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    if (end > begin) {
      if (!result.empty()) result += '/';
      result += name.substr(begin, end - begin);
    }
    begin = end + 1;
  }
  return result;
}

bool is_regular_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

Index file_bytes(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<Index>(status.st_size) : 0;
}

Hdf5Id open_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    fail(ErrorKind::no_input, fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    fail(ErrorKind::no_input, fmt::format("{}: is not a regular file", path));
  }
  const Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_file_locking(access.get(), true, true);  // read-only file systems cannot lock
  Hdf5Id file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()));
  if (file.valid()) return file;
  const std::string reason = hdf5_reason();
  const htri_t is_hdf5 = H5Fis_hdf5(path.c_str());
  if (is_hdf5 == 0) {
    fail(ErrorKind::data, fmt::format("{}: is not an HDF5 file ({} bytes)", path, status.st_size));
  }
  if (is_hdf5 < 0) {
    fail(ErrorKind::no_input, fmt::format("{}: cannot read: {}", path, reason));
  }
  fail(ErrorKind::data,
       fmt::format("{}: HDF5 file is truncated or damaged ({}); copy it again, or try "
                   "`h5clear -s` where a writer was interrupted",
                   path, reason));
}

herr_t collect_name(hid_t /*object*/, const char* name, const H5A_info_t* /*info*/, void* data) {
  static_cast<std::vector<std::string>*>(data)->emplace_back(name);
  return 0;
}

}  // namespace

struct Hdf5File::Impl {
  std::string path;   // as given
  std::string file;   // without the group
  std::string group;  // tidy
  Index bytes = 0;
  Hdf5Id file_id;
  Hdf5Id links;  // properties under which external links are refused
  Hdf5Id group_id;

  std::string where(std::string_view name) const {
    const std::string rest = tidy(name);
    const char* slash = group.empty() || rest.empty() ? "" : "/";
    return fmt::format("{}: /{}{}{}", file, group, slash, rest);
  }

  // Walks the links one by one: a missing one is an answer, a damaged or outward one an error.
  bool exists(hid_t from, const std::string& name) const {
    for (std::size_t end = 0; end < name.size();) {
      end = std::min(name.find('/', end + 1), name.size());
      const std::string part = name.substr(0, end);
      const htri_t found = H5Lexists(from, part.c_str(), links.get());
      if (found == 0) return false;
      H5L_info_t info;
      if (found < 0 || H5Lget_info(from, part.c_str(), &info, links.get()) < 0) {
        fail(ErrorKind::data,
             fmt::format("{}: cannot be looked up: {}", where(part), hdf5_reason()));
      }
      if (info.type != H5L_TYPE_HARD && info.type != H5L_TYPE_SOFT) {
        fail(ErrorKind::data,
             fmt::format("{}: is a link to another file, which is not followed; copy the data "
                         "into this file (h5copy)",
                         where(part)));
      }
      if (info.type == H5L_TYPE_SOFT) {
        const htri_t there = H5Oexists_by_name(from, part.c_str(), links.get());
        if (there < 0) {
          fail(ErrorKind::data, fmt::format("{}: is a link that cannot be followed: {}",
                                            where(part), hdf5_reason()));
        }
        if (there == 0) return false;
      }
    }
    return true;
  }

  Hdf5Id object(std::string_view name) const {
    const std::string tidied = tidy(name);
    if (tidied.empty()) return Hdf5Id(H5Oopen(group_id.get(), ".", links.get()));
    if (!exists(group_id.get(), tidied)) {
      fail(ErrorKind::data, fmt::format("{}: is missing", where(name)));
    }
    Hdf5Id id(H5Oopen(group_id.get(), tidied.c_str(), links.get()));
    if (!id.valid()) {
      fail(ErrorKind::data, fmt::format("{}: cannot be opened: {}", where(name), hdf5_reason()));
    }
    return id;
  }

  H5I_type_t type(std::string_view name) const {
    const std::string tidied = tidy(name);
    if (!tidied.empty() && !exists(group_id.get(), tidied)) return H5I_BADID;
    return H5Iget_type(object(name).get());
  }

  Hdf5Id attribute(std::string_view name, const std::string& key) const {
    const Hdf5Id owner = object(name);
    Hdf5Id id(H5Aopen(owner.get(), key.c_str(), H5P_DEFAULT));
    if (!id.valid()) {
      fail(ErrorKind::data, fmt::format("{}: attribute '{}' is missing", where(name), key));
    }
    return id;
  }
};

Hdf5File Hdf5File::open(const std::string& path) {
  const Hdf5Session session;
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->file = path;
  const std::size_t colon = path.rfind(":/");
  if (colon != std::string::npos && !is_regular_file(path)) {
    impl->file = path.substr(0, colon);
    impl->group = tidy(std::string_view(path).substr(colon + 1));
  }
  impl->file_id = open_file(impl->file);
  impl->bytes = file_bytes(impl->file);
  // Derived lists share this class: what opens data sets takes it where link properties are asked.
  impl->links = Hdf5Id(H5Pcreate(H5P_LINK_ACCESS));
  H5Pset_elink_cb(impl->links.get(), refuse_external_link, nullptr);
  impl->group_id = Hdf5Id(H5Oopen(impl->file_id.get(), "/", impl->links.get()));
  if (!impl->group.empty()) {
    const std::string group = std::exchange(impl->group, "");
    if (!impl->exists(impl->group_id.get(), group) || impl->type(group) != H5I_GROUP) {
      fail(ErrorKind::data, fmt::format("{}: has no group /{}", impl->file, group));
    }
    impl->group_id = impl->object(group);
    impl->group = group;
  }
  if (!impl->group_id.valid()) {
    fail(ErrorKind::data,
         fmt::format("{}: HDF5 file is truncated or damaged ({})", impl->file, hdf5_reason()));
  }
  return Hdf5File(std::move(impl));
}

Hdf5File::Hdf5File(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Hdf5File::Hdf5File(Hdf5File&&) noexcept = default;
Hdf5File& Hdf5File::operator=(Hdf5File&&) noexcept = default;
Hdf5File::~Hdf5File() = default;

bool is_hdf5_file(const std::string& path) {
  const Hdf5Session session;
  return is_regular_file(path) && H5Fis_hdf5(path.c_str()) > 0;
}

const std::string& Hdf5File::path() const { return impl_->path; }
std::string Hdf5File::where(std::string_view name) const { return impl_->where(name); }

bool Hdf5File::exists(std::string_view name) const {
  const Hdf5Session session;
  return impl_->type(name) != H5I_BADID;
}

bool Hdf5File::is_group(std::string_view name) const {
  const Hdf5Session session;
  return impl_->type(name) == H5I_GROUP;
}

bool Hdf5File::is_dataset(std::string_view name) const {
  const Hdf5Session session;
  return impl_->type(name) == H5I_DATASET;
}

std::vector<std::string> Hdf5File::children(std::string_view name) const {
  const Hdf5Session session;
  const Hdf5Id id = impl_->object(name);
  H5G_info_t info;
  if (H5Iget_type(id.get()) != H5I_GROUP || H5Gget_info(id.get(), &info) < 0) {
    fail(ErrorKind::data, fmt::format("{}: is not a group that can be read", where(name)));
  }
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    std::array<char, 4096> text{};
    if (H5Lget_name_by_idx(id.get(), ".", H5_INDEX_NAME, H5_ITER_INC, i, text.data(), text.size(),
                           impl_->links.get()) < 0) {
      fail(ErrorKind::data, fmt::format("{}: cannot be listed: {}", where(name), hdf5_reason()));
    }
    names.emplace_back(text.data());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Hdf5Dataset Hdf5File::dataset(std::string_view name, Index cache_bytes) const {
  const Hdf5Session session;
  if (H5Iget_type(impl_->object(name).get()) != H5I_DATASET) {
    fail(ErrorKind::data, fmt::format("{}: is not a data set", where(name)));
  }
  const Hdf5Id access(H5Pcreate(H5P_DATASET_ACCESS));
  H5Pset_elink_cb(access.get(), refuse_external_link, nullptr);
  // Slots: a prime well above the number of chunks that fit; chunks are read whole, so the least
  // recently used goes first (w0 = 1).
  H5Pset_chunk_cache(access.get(), 100003, static_cast<std::size_t>(cache_bytes), 1.0);
  const std::string tidied = tidy(name);
  Hdf5Id id(H5Dopen2(impl_->group_id.get(), tidied.c_str(), access.get()));
  return Hdf5Dataset(std::make_unique<Hdf5Dataset::Impl>(std::move(id), where(name), impl_->bytes));
}

std::vector<Index> Hdf5File::shape(std::string_view name) const { return dataset(name).shape(); }
Hdf5Kind Hdf5File::kind(std::string_view name) const { return dataset(name).kind(); }

template <typename T>
std::vector<T> Hdf5File::read(std::string_view name) const {
  const Hdf5Dataset data = dataset(name);
  std::vector<T> values(static_cast<std::size_t>(data.impl_->elements));
  data.read_rows(0, data.shape().empty() ? 1 : data.shape()[0], values.data());
  return values;
}

template <typename T>
T Hdf5File::scalar(std::string_view name) const {
  const std::vector<T> values = read<T>(name);
  if (values.size() != 1) {
    fail(ErrorKind::data,
         fmt::format("{}: holds {} values; one is expected", where(name), values.size()));
  }
  return values[0];
}

std::vector<std::string> Hdf5File::read_strings(std::string_view name) const {
  const Hdf5Session session;
  const Hdf5Dataset data = dataset(name);
  return hdf5_read_strings(data.impl_->id.get(), false, data.impl_->elements, where(name));
}

std::vector<std::string> Hdf5File::attributes(std::string_view object) const {
  const Hdf5Session session;
  std::vector<std::string> names;
  hsize_t position = 0;
  if (H5Aiterate2(impl_->object(object).get(), H5_INDEX_NAME, H5_ITER_INC, &position, collect_name,
                  &names) < 0) {
    fail(ErrorKind::data,
         fmt::format("{}: attributes cannot be listed: {}", where(object), hdf5_reason()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool Hdf5File::has_attribute(std::string_view object, const std::string& name) const {
  const Hdf5Session session;
  return H5Aexists(impl_->object(object).get(), name.c_str()) > 0;
}

std::string Hdf5File::attribute_text(std::string_view object, const std::string& name) const {
  const Hdf5Session session;
  const std::string place = fmt::format("{}: attribute '{}'", where(object), name);
  const Hdf5Id id = impl_->attribute(object, name);
  const Hdf5Id space(H5Aget_space(id.get()));
  if (H5Sget_simple_extent_npoints(space.get()) != 1) {
    fail(ErrorKind::data, fmt::format("{} is not a single text", place));
  }
  return hdf5_read_strings(id.get(), true, 1, place)[0];
}

std::vector<double> Hdf5File::attribute_numbers(std::string_view object,
                                                const std::string& name) const {
  const Hdf5Session session;
  const Hdf5Id id = impl_->attribute(object, name);
  const Hdf5Id type(H5Aget_type(id.get()));
  const Hdf5Id space(H5Aget_space(id.get()));
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  const Hdf5Kind kind = hdf5_kind(type.get());
  if ((kind != Hdf5Kind::integer && kind != Hdf5Kind::real) || count < 0 || count > 1 << 20) {
    fail(ErrorKind::data,
         fmt::format("{}: attribute '{}' does not hold numbers", where(object), name));
  }
  std::vector<double> values(static_cast<std::size_t>(count));
  if (count > 0 && H5Aread(id.get(), H5T_NATIVE_DOUBLE, values.data()) < 0) {
    fail(ErrorKind::data,
         fmt::format("{}: attribute '{}' cannot be read: {}", where(object), name, hdf5_reason()));
  }
  return values;
}

std::vector<Hdf5TableRow> Hdf5File::attribute_table(std::string_view object,
                                                    const std::string& name,
                                                    std::span<const std::string> texts,
                                                    std::span<const std::string> numbers) const {
  const Hdf5Session session;
  return hdf5_read_table(impl_->attribute(object, name).get(), texts, numbers,
                         fmt::format("{}: attribute '{}'", where(object), name));
}

template std::vector<float> Hdf5File::read(std::string_view) const;
template std::vector<double> Hdf5File::read(std::string_view) const;
template std::vector<std::int64_t> Hdf5File::read(std::string_view) const;
template std::vector<std::int32_t> Hdf5File::read(std::string_view) const;
template std::vector<std::uint8_t> Hdf5File::read(std::string_view) const;
template float Hdf5File::scalar(std::string_view) const;
template double Hdf5File::scalar(std::string_view) const;
template std::int64_t Hdf5File::scalar(std::string_view) const;
template std::int32_t Hdf5File::scalar(std::string_view) const;
template std::uint8_t Hdf5File::scalar(std::string_view) const;

}  // namespace kindred
