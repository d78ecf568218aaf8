#pragma once
#include <pybind11/pybind11.h>

#include <cstddef>
#include <string>
#include <vector>

#include "kindred/core/parallel.h"
#include "kindred/data/picture_decoder.h"

namespace kindred::python {

/// A picture that is still to be decoded: a file, or the bytes of one.
struct EncodedPicture {
  std::string where;    ///< its path, or how messages call it
  bool is_file = true;  ///< `where` is to be read
  std::vector<std::byte> bytes = {};
};

/// True for a path (str or os.PathLike), bytes of an image file, or an image of PIL's; `object` may
/// be a sequence of such, which is not empty.
bool are_pictures(pybind11::handle object);

/// All of them, in order. Images of PIL's become files without loss (PNM or PNG), so that they are
/// decoded, resized and cropped as any other. Fails with data.
std::vector<EncodedPicture> encoded_pictures(pybind11::handle object);

/// Samples of `count` pictures from `first` on, in order. Wants no GIL. Fails with no_input or data
/// at the first that cannot be read.
std::vector<std::byte> decode_pictures(PictureDecoder& decoder, const Workers& workers,
                                       const std::vector<EncodedPicture>& pictures, Index first,
                                       Index count, Index sample_bytes);

}  // namespace kindred::python
