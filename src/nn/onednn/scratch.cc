#include "nn/onednn/scratch.h"

#include <fmt/format.h>

#include "kindred/core/error.h"

namespace kindred {

void ScratchFrame::overflow(Index bytes) const {
  fail(ErrorKind::internal, fmt::format("scratch of {} bytes has {} in use, and {} more were asked",
                                        scratch_.memory_.size(), scratch_.used_, bytes));
}

}  // namespace kindred
