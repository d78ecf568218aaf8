#include "data/hdf5/hdf5_session.h"

#include <pthread.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>
#include <vector>

#include "data/hdf5/hdf5_lzf.h"

namespace kindred {
namespace {

std::recursive_mutex& hdf5_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

// A process forked by one thread while another is in HDF5 would find it locked for ever.
void before_fork() { hdf5_mutex().lock(); }
void after_fork() { hdf5_mutex().unlock(); }
void in_child() {  // the thread that locked it has another number here
  hdf5_mutex().~recursive_mutex();
  new (&hdf5_mutex()) std::recursive_mutex;
}

herr_t keep_reason(unsigned /*depth*/, const H5E_error2_t* error, void* data) {
  if (error->desc != nullptr && *error->desc != '\0') {
    *static_cast<std::string*>(data) = error->desc;
  }
  return 0;
}

}  // namespace

Hdf5Session::Hdf5Session() : lock_(hdf5_mutex()) {
  static const bool without_plugins = [] {
    pthread_atfork(before_fork, after_fork, in_child);
    H5dont_atexit();  // after a write that failed, HDF5's own tidying at the end crashes
    H5open();
    register_lzf();
    // Code for unknown filters is never loaded, whatever HDF5_PLUGIN_PATH says.
    return H5PLset_loading_state(0) >= 0;
  }();
  static_cast<void>(without_plugins);
  H5Eget_auto2(H5E_DEFAULT, &print_, &print_data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Hdf5Session::~Hdf5Session() { H5Eset_auto2(H5E_DEFAULT, print_, print_data_); }

std::string hdf5_reason() {
  std::string reason = "no reason given";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_reason, &reason);  // the innermost comes last
  // What the system says stands between times and addresses.
  constexpr std::string_view kSystem = "error message = '";
  const std::size_t at = reason.find(kSystem);
  if (at == std::string::npos) return reason;
  const std::size_t begin = at + kSystem.size();
  return reason.substr(begin, reason.find('\'', begin) - begin);
}

namespace {

template <typename Open>
Hdf5Id uninterrupted(Open open) {
  Hdf5Id file(open());
  while (!file.valid() && hdf5_reason() == std::strerror(EINTR)) file = Hdf5Id(open());
  return file;
}

}  // namespace

Hdf5Id hdf5_open(const std::string& path, hid_t access) {
  return uninterrupted([&] { return H5Fopen(path.c_str(), H5F_ACC_RDONLY, access); });
}

Hdf5Id hdf5_create(const std::string& path, hid_t plan, hid_t access) {
  return uninterrupted([&] { return H5Fcreate(path.c_str(), H5F_ACC_TRUNC, plan, access); });
}

Hdf5Id hdf5_select_rows(hid_t space, Index first, Index count) {
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank <= 0) return Hdf5Id(H5Screate(H5S_SCALAR));
  std::array<hsize_t, H5S_MAX_RANK> start{};
  std::array<hsize_t, H5S_MAX_RANK> size{};
  H5Sget_simple_extent_dims(space, size.data(), nullptr);
  start[0] = static_cast<hsize_t>(first);
  size[0] = static_cast<hsize_t>(count);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, size.data(), nullptr);
  return Hdf5Id(H5Screate_simple(rank, size.data(), nullptr));
}

}  // namespace kindred
