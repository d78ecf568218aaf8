#pragma once
#include <string>

#include "command.h"
#include "kindred/eval/all_pairs.h"
#include "kindred/eval/verification.h"

namespace kindred::tools {

Json json_of(const VerificationResult& result);
Json json_of(const ScoreHistogram& histogram);

/// Names folds whose pairs are all same, or all not: their accuracy says less than it seems to.
void warn_of_folds(const VerificationResult& result, const std::string& list);

/// The table of `eval verify`; what it adds to the result comes from its JSON.
void print_verification(const std::string& title, const VerificationResult& result,
                        const Json& numbers);

}  // namespace kindred::tools
