#pragma once
#include <gtest/gtest.h>

#include <string>

#include "kindred/core/error.h"

namespace kindred::test {

/// The message of the Error of that kind which `call` throws; "(no error)" when it throws none.
template <typename Call>
std::string error_of(Call call, ErrorKind kind = ErrorKind::recipe) {
  try {
    call();
    return "(no error)";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
}

}  // namespace kindred::test
