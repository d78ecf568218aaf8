#include "core/ranks/mpi_group.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "core/host_name.h"
#include "core/ranks/own_file.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

/// In kindred/ beside the shared library, in ../lib/kindred/ of the program.
std::vector<fs::path> places_of(const std::string& name) {
  const fs::path folder = own_file().parent_path();
  return {folder / "kindred" / name, folder.parent_path() / "lib" / "kindred" / name};
}

const MpiPlugin* load_plugin(const Launch& launch) {
  const std::string name = "mpi-" + launch.library + ".so";
  std::string reasons;
  for (const fs::path& place : places_of(name)) {
    std::error_code none;
    if (!fs::exists(place, none)) {
      reasons += fmt::format("; {} is not there", place.string());
      continue;
    }
    // Global: parts that the MPI library loads itself look for its symbols there.
    void* const loaded = ::dlopen(place.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (loaded == nullptr) {
      reasons += fmt::format("; {}", ::dlerror());
      continue;
    }
    const auto function = reinterpret_cast<MpiPluginFunction>(::dlsym(loaded, MpiPlugin::kSymbol));
    const MpiPlugin* const plugin = function == nullptr ? nullptr : function();
    if (plugin != nullptr && plugin->version == MpiPlugin::kVersion) return plugin;
    reasons += fmt::format("; {} is of another version of Kindred", place.string());
  }
  fail(ErrorKind::system,
       fmt::format("this is rank {} of {}, but what joins them is missing{}; install the package "
                   "kindred-mpi, or build with KINDRED_MPI=ON and the headers of this MPI; "
                   "KINDRED_MPI=off lets each process work by itself",
                   launch.rank, launch.size, reasons));
}

void end_all(int code, void* plugin) {
  if (code != 0) static_cast<const MpiPlugin*>(plugin)->end(code);
}

}  // namespace

std::unique_ptr<ProcessGroup> open_process_group() {
  const Launch launch = find_launch();
  if (launch.size == 1) return std::make_unique<SoloGroup>();
  return std::make_unique<MpiGroup>(launch);
}

LaunchedRank launched_rank() {
  const Launch launch = find_launch();
  return {launch.rank, launch.size, launch.here};
}

MpiGroup::MpiGroup(const Launch& launch) : launch_(launch), plugin_(load_plugin(launch)) {}

void MpiGroup::join() {
  if (begun_) return;
  begun_ = true;
  int rank = 0;
  int size = 0;
  if (const char* reason = plugin_->join(&rank, &size)) fail_in_mpi(reason);
  joined_ = true;
  if (rank != launch_.rank || size != launch_.size) {
    fail(ErrorKind::system,
         fmt::format("{} makes this rank {} of {}, its launcher said {} of {}: mpirun is another "
                     "MPI's; KINDRED_MPI=openmpi or mpich says whose it is",
                     plugin_->library, rank, size, launch_.rank, launch_.size));
  }
  const char* const watch = std::getenv("KINDRED_MPI_WATCH");
  if (watch != nullptr && std::string_view(watch) == "off") return;
  roll_call_ = std::make_unique<RollCall>(*this, host_name(), plugin_->end);
}

void MpiGroup::leave() {
  any(false);  // nobody says goodbye while another may still fail
  roll_call_.reset();
  plugin_->leave();
}

// Others wait for this rank, and some launchers do not look at what ends before it has joined.
void MpiGroup::end_by(const Error& error) {
  if (!begun_) {
    try {
      join();
    } catch (const Error&) {  // there is nobody to tell
    }
  }
  if (!joined_) return;
  if (roll_call_) roll_call_->end_by(error);
  // The reason is not said yet, and the code may become that of a signal.
  ::on_exit(end_all, const_cast<MpiPlugin*>(plugin_));
}

void MpiGroup::transfer(std::span<const Outgoing> sent, std::span<const Incoming> received) {
  sent_.clear();
  received_.clear();
  for (const Outgoing& message : sent) {
    sent_.push_back(
        {message.to, const_cast<std::byte*>(message.bytes.data()), message.bytes.size()});
  }
  for (const Incoming& message : received) {
    received_.push_back({message.from, message.bytes.data(), message.bytes.size()});
  }
  const char* const reason =
      plugin_->exchange(sent_.data(), static_cast<int>(sent_.size()), received_.data(),
                        static_cast<int>(received_.size()));
  if (reason != nullptr) fail_in_mpi(reason);
}

void MpiGroup::fail_in_mpi(const char* reason) const {
  fail(ErrorKind::system,
       fmt::format("{}: rank {} of {}: {}", plugin_->library, launch_.rank, launch_.size, reason));
}

}  // namespace kindred
