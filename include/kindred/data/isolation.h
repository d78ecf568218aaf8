#pragma once
#include <string>

#include "kindred/core/export.h"

namespace KINDRED_API kindred {

/// Is told, once a process and in a sentence, that files are parsed in processes whose system calls
/// are not filtered, because the system lets no filter be installed. Called by whatever thread
/// reads; must not throw.
using IsolationListener = void (*)(const std::string& what);

/// Nobody is told by default. Thread-safe; nullptr: nobody.
void on_isolation_gap(IsolationListener told);

}  // namespace kindred
