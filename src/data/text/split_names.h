#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace kindred {

/// The split that a column, or a data set in a file, calls "train", "val", "test", "dev", "query"
/// or the like; any case.
std::optional<std::uint8_t> split_named(const std::string& name);
/// The split that a folder or a source is: its name says a split and nothing of its own ("train",
/// "test_images", "val2017"; not "contest" or "train_station").
std::optional<std::uint8_t> split_of_folder(const std::string& name);
/// The split that the name of a file has in it as a word, the last of several: "t10k-images",
/// "x_test", "peopleDevTrain"; not "latest" or "valley".
std::optional<std::uint8_t> split_in_name(const std::string& name);

}  // namespace kindred
