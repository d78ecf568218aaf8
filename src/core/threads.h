#pragma once
#include <functional>
#include <thread>

namespace kindred {

/// Starts a thread. Fails with system where the system refuses, with advice.
std::thread start_thread(std::function<void()> work);

/// Fails with system unless so many threads can be alive beside those that are: for libraries that
/// start theirs later, and end the process where they cannot. What was proven once is not asked
/// again.
void prove_threads(int count);

}  // namespace kindred
