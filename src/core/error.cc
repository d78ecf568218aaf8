#include "kindred/core/error.h"

namespace kindred {

void fail(ErrorKind kind, const std::string& message) { throw Error(kind, message); }

}  // namespace kindred
