#pragma once
#include <string>

#include "kindred/eval/report.h"

namespace kindred {

/// The report as the page's scripts read it (report/page.js), in one line of JSON that may stand
/// inside a script element: no "<" in it, no invalid UTF-8.
std::string report_json(const Report& report);

/// What a live page asks for: its first run, and with `whole` the whole report.
std::string live_json(const Report& report, bool whole, const std::string& state, Index step,
                      Index gallery);

}  // namespace kindred
