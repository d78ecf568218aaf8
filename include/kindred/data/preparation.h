#pragma once
#include <string>

#include "kindred/core/export.h"
#include "kindred/core/shape.h"

namespace KINDRED_API kindred {

/// Height and width in pixels; zeros: not asked for.
struct Extent {
  Index height = 0;
  Index width = 0;
  bool given() const { return height > 0; }
  bool operator==(const Extent&) const = default;
};

/// How pictures of any size became the samples of a data set: what `kindred import` did. A model
/// keeps it, so that pictures it meets later are made the same way. Steps, in this order:
struct Preparation {
  int bits = 16;             ///< that pictures of 16 bits a channel use
  bool inverted = false;     ///< 255 - value
  Extent crop = {};          ///< the piece in the middle that is kept; not given: all
  bool crop_square = false;  ///< then the largest square in the middle
  bool grey = false;         ///< one channel before the size is changed, not after
  Extent size = {};          ///< not given: pictures were of one size
  bool bicubic = false;      ///< larger by Catmull-Rom, not linearly

  bool operator==(const Preparation&) const = default;
};

/// JSON, as data sets (attribute "preparation") and models keep it.
std::string text_of(const Preparation& preparation);
/// Fails with data, naming `where`, on what text_of() does not write. What it does not know is
/// refused: pictures would be made otherwise.
Preparation preparation_of(const std::string& text, const std::string& where);
/// For people: "the largest square in the middle, 96 x 96, grey".
std::string description_of(const Preparation& preparation);

}  // namespace kindred
