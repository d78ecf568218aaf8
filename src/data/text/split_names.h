#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace kindred {

/// The split that a folder or a column calls "train", "val", "test" or the like; any case.
std::optional<std::uint8_t> split_named(const std::string& name);
/// The split a name has in it: "t10k-images", "x_test".
std::optional<std::uint8_t> split_in_name(const std::string& name);

}  // namespace kindred
