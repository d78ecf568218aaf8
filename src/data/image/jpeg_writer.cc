#include <stdio.h>

#include <csetjmp>
#include <cstdlib>

// They need stdio.h before them.
#include <jpeglib.h>

#include "data/image/image.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

struct JpegEncoding {
  jpeg_compress_struct encoder{};
  jpeg_error_mgr manager{};
  std::jmp_buf after_error;
  unsigned char* file = nullptr;  // of malloc
  unsigned long size = 0;

  JpegEncoding() {
    encoder.err = jpeg_std_error(&manager);
    encoder.client_data = this;
    manager.error_exit = [](j_common_ptr codec) {
      std::longjmp(static_cast<JpegEncoding*>(codec->client_data)->after_error, 1);
    };
    manager.output_message = [](j_common_ptr) {};
  }
  ~JpegEncoding() {
    jpeg_destroy_compress(&encoder);
    std::free(file);
  }
  JpegEncoding(const JpegEncoding&) = delete;
  JpegEncoding& operator=(const JpegEncoding&) = delete;
};

// False where libjpeg gave up. Nothing here may own anything.
bool encode(JpegEncoding& own, const Image& image, int quality) {
  if (setjmp(own.after_error) != 0) return false;
  jpeg_compress_struct& encoder = own.encoder;
  jpeg_create_compress(&encoder);
  jpeg_mem_dest(&encoder, &own.file, &own.size);
  encoder.image_width = static_cast<JDIMENSION>(image.shape.width);
  encoder.image_height = static_cast<JDIMENSION>(image.shape.height);
  encoder.input_components = static_cast<int>(image.shape.channels);
  encoder.in_color_space = image.shape.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, quality, TRUE);
  jpeg_start_compress(&encoder, TRUE);
  const auto line = static_cast<std::size_t>(image.shape.width * image.shape.channels);
  while (encoder.next_scanline < encoder.image_height) {
    // libjpeg reads it; its interface is older than const.
    auto* row = const_cast<unsigned char*>(image.pixels.data() + encoder.next_scanline * line);
    jpeg_write_scanlines(&encoder, &row, 1);
  }
  jpeg_finish_compress(&encoder);
  return true;
}

}  // namespace

std::string encode_jpeg(const Image& image, int quality) {
  JpegEncoding own;
  if (!encode(own, image, quality)) fail(ErrorKind::internal, "a JPEG file cannot be encoded");
  return {reinterpret_cast<const char*>(own.file), own.size};
}

}  // namespace kindred
