#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/ranks/launcher.h"
#include "core/ranks/mpi_plugin.h"
#include "core/ranks/roll_call.h"
#include "kindred/core/process_group.h"

namespace kindred {

/// The ranks that a launcher has started, by the plug-in of its MPI.
class MpiGroup : public ProcessGroup {
 public:
  /// Loads the plug-in. Fails with system where it is missing, or is another version's.
  explicit MpiGroup(const Launch& launch);

  int rank() const override { return launch_.rank; }
  int size() const override { return launch_.size; }
  void join() override;
  void leave() override;
  void end_by(const Error& error) override;

 private:
  void transfer(std::span<const Outgoing> sent, std::span<const Incoming> received) override;
  [[noreturn]] void fail_in_mpi(const char* reason) const;

  Launch launch_;
  const MpiPlugin* plugin_;
  bool begun_ = false;                   // join() was tried
  bool joined_ = false;                  // and MPI is there
  std::unique_ptr<RollCall> roll_call_;  // from join() to leave()
  std::vector<MpiPlugin::Message> sent_;
  std::vector<MpiPlugin::Message> received_;
};

}  // namespace kindred
