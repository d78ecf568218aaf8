#pragma once
#include <string>

#include "kindred/train/setup.h"

namespace kindred {

/// What the data of a training is known by: its shape, and checksums of labels, class names, split,
/// targets, and of the samples that opening it has read: those trained on, and all of them where
/// they are in memory or are vectors. Where the file lies, and what it is called, is no part of it.
/// A JSON object of texts.
std::string fingerprint_of_data(const Setup& setup);

/// What of two fingerprints differs, for people: "labels"; "" where nothing does. What one of them
/// does not know is not compared: images that were in memory may be streamed now. Fails with data
/// where `saved` is none; `where` is the file that it stands in.
std::string changed_data(const std::string& saved, const std::string& now,
                         const std::string& where);

}  // namespace kindred
