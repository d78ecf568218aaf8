#pragma once
#include "json.h"
#include "kindred/data/import.h"

namespace kindred::tools {

/// What an import left out, on standard error: how many, and the first of them.
void tell_left_out(const ImportReport& report);

/// The same as numbers.
Json json_of_import(const ImportReport& report);

}  // namespace kindred::tools
