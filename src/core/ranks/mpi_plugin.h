#pragma once
#include <cstddef>

namespace kindred {

/// What an MPI plug-in offers: plain functions, since it is compiled against one MPI library, and
/// loaded by programs that know none. All but the last member are called by the thread that called
/// join(). A function that returns a text returns nullptr where it succeeded.
struct MpiPlugin {
  static constexpr int kVersion = 2;
  static constexpr const char* kSymbol = "kindred_mpi_plugin";

  struct Message {
    int peer;
    void* bytes;  ///< what is sent is only read
    std::size_t size;
  };

  int version;
  const char* library;  ///< "Open MPI 4.1", "MPICH 4.0": what it was compiled against
  const char* (*join)(int* rank, int* size);
  const char* (*exchange)(const Message* sent, int sent_count, const Message* received,
                          int received_count);
  void (*leave)();
  /// Ends all ranks, so that the launcher ends with `code`, where it might forget it else;
  /// silently, since the reason is said. Returns where the launcher takes it from how this process
  /// ends.
  void (*end)(int code);
};

using MpiPluginFunction = const MpiPlugin* (*)();

}  // namespace kindred
