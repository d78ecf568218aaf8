#include "data/hdf5/hdf5_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/files/fail_io.h"
#include "data/hdf5/hdf5_session.h"
#include "data/hdf5/hdf5_table.h"
#include "data/text/mistaken_file.h"

namespace kindred {
namespace {

constexpr std::size_t kMostLinks = 2000;  // that are listed
constexpr std::ptrdiff_t kDeepest = 8;    // groups in groups that are looked into

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

/// What HDF5 does not say of a file that it cannot open.
struct Closed {
  std::string beginning;
  bool locked = false;  ///< by a process that writes it
};

Closed look_at(const std::string& path) {
  constexpr std::size_t kBeginning = 512;
  Closed found;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return found;
  found.beginning.resize(kBeginning);
  const ssize_t bytes = ::read(file, found.beginning.data(), kBeginning);
  found.beginning.resize(bytes < 0 ? 0 : static_cast<std::size_t>(bytes));
  found.locked = ::flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(file);
  return found;
}

Hdf5Id open_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    const int reason = errno;
    fail(kind_of_failure(reason, ErrorKind::no_input),
         fmt::format("{}: cannot open: {}", path, text_of_failure(reason)));
  }
  if (!S_ISREG(status.st_mode)) {
    fail(ErrorKind::no_input, fmt::format("{}: is not a regular file", path));
  }
  const Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_file_locking(access.get(), true, true);  // read-only file systems cannot lock
  Hdf5Id file = hdf5_open(path, access.get());
  if (file.valid()) return file;
  const std::string reason = hdf5_reason();
  if (const int named = failure_named(reason); named != 0) {
    fail(kind_of_failure(named, named == EIO ? ErrorKind::io : ErrorKind::no_input),
         fmt::format("{}: cannot open: {}", path, text_of_failure(named)));
  }
  const htri_t is_hdf5 = H5Fis_hdf5(path.c_str());
  if (is_hdf5 == 0) {
    const MistakenFile kind = mistaken_file(look_at(path).beginning, path);
    fail(ErrorKind::data,
         fmt::format("{}: is not an HDF5 file ({} bytes) but {}{}{}", path, status.st_size,
                     kind.what, kind.way.empty() ? "" : "; ", kind.way));
  }
  if (is_hdf5 < 0) {
    fail(ErrorKind::no_input, fmt::format("{}: cannot read: {}", path, reason));
  }
  if (look_at(path).locked || reason.find("unable to lock") != reason.npos) {
    fail(ErrorKind::data,
         fmt::format("{}: another process is writing it; wait until that has closed the file",
                     path));
  }
  if (reason.find("already open") != reason.npos) {
    fail(ErrorKind::data,
         fmt::format("{}: was not closed by who wrote it, or is still being written; wait for the "
                     "writer, or write the file anew where it was interrupted",
                     path));
  }
  fail(ErrorKind::data,
       fmt::format("{}: HDF5 file is truncated, damaged or still being written ({}); wait for its "
                   "writer, or copy it again",
                   path, reason));
}

herr_t collect_name(hid_t /*object*/, const char* name, const H5A_info_t* /*info*/, void* data) {
  static_cast<std::vector<std::string>*>(data)->emplace_back(name);
  return 0;
}

herr_t collect_link(hid_t /*group*/, const char* name, const H5L_info_t* /*info*/, void* data) {
  auto& names = *static_cast<std::vector<std::string>*>(data);
  names.emplace_back(name);
  return names.size() < kMostLinks ? 0 : 1;
}

}  // namespace

std::string Hdf5Place::where(std::string_view name) const {
  const std::string rest = tidy(name);
  const char* slash = group.empty() || rest.empty() ? "" : "/";
  return fmt::format("{}: /{}{}{}", file, group, slash, rest);
}

Hdf5Reader::Hdf5Reader(const std::string& path) {
  const Hdf5Session session;
  place_.file = path;
  std::string group;
  const std::size_t colon = path.rfind(":/");
  if (colon != std::string::npos && !is_regular_file(path)) {
    place_.file = path.substr(0, colon);
    group = tidy(std::string_view(path).substr(colon + 1));
  }
  file_ = open_file(place_.file);
  bytes_ = file_bytes(place_.file);
  // Derived lists share this class: what opens data sets takes it where link properties are asked.
  links_ = Hdf5Id(H5Pcreate(H5P_LINK_ACCESS));
  H5Pset_elink_cb(links_.get(), refuse_external_link, nullptr);
  group_ = Hdf5Id(H5Oopen(file_.get(), "/", links_.get()));
  if (!group.empty()) {
    if (!walk(group_.get(), group) || what_is(group) != H5I_GROUP) {
      fail(ErrorKind::data, fmt::format("{}: has no group /{}", place_.file, group));
    }
    group_ = open_object(group);
    place_.group = group;
  }
  if (!group_.valid()) {
    fail(ErrorKind::data,
         fmt::format("{}: HDF5 file is truncated or damaged ({})", place_.file, hdf5_reason()));
  }
}

// Walks the links one by one: a missing one is an answer, a damaged or outward one an error.
bool Hdf5Reader::walk(hid_t from, const std::string& name) const {
  for (std::size_t end = 0; end < name.size();) {
    end = std::min(name.find('/', end + 1), name.size());
    const std::string part = name.substr(0, end);
    const htri_t found = H5Lexists(from, part.c_str(), links_.get());
    if (found == 0) return false;
    H5L_info_t info;
    if (found < 0 || H5Lget_info(from, part.c_str(), &info, links_.get()) < 0) {
      fail(ErrorKind::data, fmt::format("{}: cannot be looked up: {}", where(part), hdf5_reason()));
    }
    if (info.type != H5L_TYPE_HARD && info.type != H5L_TYPE_SOFT) {
      fail(ErrorKind::data,
           fmt::format("{}: is a link to another file, which is not followed; copy what it links "
                       "to: `h5copy -f ext -i IN -o OUT -s {} -d {}`",
                       where(part), part, part));
    }
    if (info.type == H5L_TYPE_SOFT) {
      const htri_t there = H5Oexists_by_name(from, part.c_str(), links_.get());
      if (there < 0) {
        fail(ErrorKind::data,
             fmt::format("{}: is a link that cannot be followed: {}", where(part), hdf5_reason()));
      }
      if (there == 0) return false;
    }
  }
  return true;
}

Hdf5Id Hdf5Reader::open_object(const std::string& name) const {
  const std::string tidied = tidy(name);
  if (tidied.empty()) return Hdf5Id(H5Oopen(group_.get(), ".", links_.get()));
  if (!walk(group_.get(), tidied)) {
    fail(ErrorKind::data, fmt::format("{}: is missing", where(name)));
  }
  Hdf5Id id(H5Oopen(group_.get(), tidied.c_str(), links_.get()));
  if (!id.valid()) {
    fail(ErrorKind::data, fmt::format("{}: cannot be opened: {}", where(name), hdf5_reason()));
  }
  return id;
}

H5I_type_t Hdf5Reader::what_is(const std::string& name) const {
  const std::string tidied = tidy(name);
  if (!tidied.empty() && !walk(group_.get(), tidied)) return H5I_BADID;
  return H5Iget_type(open_object(name).get());
}

Hdf5Id Hdf5Reader::open_attribute(const std::string& name, const std::string& key) const {
  const Hdf5Id owner = open_object(name);
  Hdf5Id id(H5Aopen(owner.get(), key.c_str(), H5P_DEFAULT));
  if (!id.valid()) {
    fail(ErrorKind::data, fmt::format("{}: attribute '{}' is missing", where(name), key));
  }
  return id;
}

bool Hdf5Reader::exists(const std::string& name) const {
  const Hdf5Session session;
  return what_is(name) != H5I_BADID;
}

bool Hdf5Reader::is_group(const std::string& name) const {
  const Hdf5Session session;
  return what_is(name) == H5I_GROUP;
}

bool Hdf5Reader::is_dataset(const std::string& name) const {
  const Hdf5Session session;
  return what_is(name) == H5I_DATASET;
}

std::vector<std::string> Hdf5Reader::children(const std::string& name) const {
  const Hdf5Session session;
  const Hdf5Id id = open_object(name);
  if (H5Iget_type(id.get()) != H5I_GROUP) {
    fail(ErrorKind::data, fmt::format("{}: is not a group", where(name)));
  }
  std::vector<std::string> names;
  if (H5Literate(id.get(), H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, collect_link, &names) < 0) {
    fail(ErrorKind::data, fmt::format("{}: cannot be listed: {}", where(name), hdf5_reason()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> Hdf5Reader::datasets() const {
  std::vector<std::string> found;
  std::vector<std::string> groups{""};
  std::size_t looked_at = 0;  // a group may hold itself, under many names
  for (std::size_t next = 0; next < groups.size(); ++next) {
    const std::string group = groups[next];
    const bool deep = std::count(group.begin(), group.end(), '/') + 1 >= kDeepest;
    for (const std::string& child : children(group)) {
      if (++looked_at > kMostLinks) return found;
      const std::string name = group.empty() ? child : group + "/" + child;
      try {
        const H5I_type_t type = what_is(name);
        if (type == H5I_GROUP && !deep) groups.push_back(name);
        if (type == H5I_DATASET) found.push_back(name);
      } catch (const Error&) {
        found.push_back(name);
      }
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::unique_ptr<Hdf5Array> Hdf5Reader::array(const std::string& name, Index cache_bytes) const {
  const Hdf5Session session;
  if (H5Iget_type(open_object(name).get()) != H5I_DATASET) {
    fail(ErrorKind::data, fmt::format("{}: is not a data set", where(name)));
  }
  const Hdf5Id access(H5Pcreate(H5P_DATASET_ACCESS));
  H5Pset_elink_cb(access.get(), refuse_external_link, nullptr);
  // Slots: a prime well above the number of chunks that fit; chunks are read whole, so the least
  // recently used goes first (w0 = 1).
  H5Pset_chunk_cache(access.get(), cache_bytes == 0 ? 1 : 12007,
                     static_cast<std::size_t>(cache_bytes), 1.0);
  Hdf5Id id(H5Dopen2(group_.get(), tidy(name).c_str(), access.get()));
  return std::make_unique<Hdf5Array>(std::move(id), where(name), bytes_);
}

Hdf5ArrayInfo Hdf5Reader::info(const std::string& name) const { return *array(name, 0); }

const Hdf5Array* Hdf5Reader::open_array(const std::string& name, Index cache_bytes) {
  return arrays_.emplace_back(array(name, cache_bytes)).get();
}

void Hdf5Reader::close_array(const Hdf5Array* array) {
  std::erase_if(arrays_, [&](const auto& open) { return open.get() == array; });
}

std::vector<std::string> Hdf5Reader::read_strings(const std::string& name) const {
  const Hdf5Session session;
  const std::unique_ptr<Hdf5Array> data = array(name, 0);
  return hdf5_read_strings(data->id.get(), false, data->elements, where(name));
}

std::vector<std::vector<std::byte>> Hdf5Reader::read_bytes(const std::string& name, Index first,
                                                           Index count) const {
  return hdf5_read_bytes(*array(name, 0), first, count);
}

std::vector<std::string> Hdf5Reader::attributes(const std::string& object) const {
  const Hdf5Session session;
  std::vector<std::string> names;
  hsize_t position = 0;
  if (H5Aiterate2(open_object(object).get(), H5_INDEX_NAME, H5_ITER_INC, &position, collect_name,
                  &names) < 0) {
    fail(ErrorKind::data,
         fmt::format("{}: attributes cannot be listed: {}", where(object), hdf5_reason()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool Hdf5Reader::has_attribute(const std::string& object, const std::string& name) const {
  const Hdf5Session session;
  return H5Aexists(open_object(object).get(), name.c_str()) > 0;
}

std::string Hdf5Reader::attribute_text(const std::string& object, const std::string& name) const {
  const Hdf5Session session;
  const std::string place = fmt::format("{}: attribute '{}'", where(object), name);
  const Hdf5Id id = open_attribute(object, name);
  const Hdf5Id space(H5Aget_space(id.get()));
  if (H5Sget_simple_extent_npoints(space.get()) != 1) {
    fail(ErrorKind::data, fmt::format("{} is not a single text", place));
  }
  return hdf5_read_strings(id.get(), true, 1, place)[0];
}

std::vector<double> Hdf5Reader::attribute_numbers(const std::string& object,
                                                  const std::string& name) const {
  const Hdf5Session session;
  const Hdf5Id id = open_attribute(object, name);
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

Hdf5Table Hdf5Reader::attribute_table(const std::string& object, const std::string& name,
                                      const std::vector<std::string>& texts,
                                      const std::vector<std::string>& numbers) const {
  const Hdf5Session session;
  return hdf5_read_table(open_attribute(object, name).get(), texts, numbers,
                         fmt::format("{}: attribute '{}'", where(object), name));
}

}  // namespace kindred
