#include <fmt/format.h>
#include <stdio.h>

#include <csetjmp>
#include <set>
#include <string_view>

// They need stdio.h before them.
#include <jpeglib.h>

#include <jerror.h>

#include "data/image/image.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr std::ptrdiff_t kMostScans = 100;  // progressive files have about ten

/// What libjpeg-turbo had to say of a file.
struct Messages {
  jpeg_error_mgr manager{};  // first: libjpeg knows only this
  std::jmp_buf after_error;
  char text[JMSG_LENGTH_MAX] = "";  // of the error, or of the first warning that is damage
  bool damaged = false;
  bool ended_early = false;  // the file ends before its end is marked
};

Messages& messages_of(j_common_ptr codec) { return *reinterpret_cast<Messages*>(codec->err); }

[[noreturn]] void on_error(j_common_ptr codec) {
  Messages& messages = messages_of(codec);
  codec->err->format_message(codec, messages.text);
  std::longjmp(messages.after_error, 1);
}

// Warnings that everybody's programs show without loss: bytes between segments, headers that claim
// an odd version or an odd progression, a colour profile that is broken.
bool is_harmless(int code) {
  return code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR ||
         code == JWRN_NOT_SEQUENTIAL || code == JWRN_BOGUS_ICC;
}

// Each warning is judged, not the first alone.
void on_message(j_common_ptr codec, int level) {
  if (level >= 0) return;  // a trace
  Messages& messages = messages_of(codec);
  const int code = codec->err->msg_code;
  if (is_harmless(code) || messages.damaged) return;
  if (!messages.ended_early) codec->err->format_message(codec, messages.text);
  (code == JWRN_JPEG_EOF ? messages.ended_early : messages.damaged) = true;
}

void on_output(j_common_ptr /*codec*/) {}

// Each scan is a pass over all pixels, and need not have more than a few bytes. In packed data FF
// is never followed by DA; small images inside of the file may have some more.
std::ptrdiff_t scans_in(std::span<const std::byte> bytes) {
  std::ptrdiff_t scans = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (bytes[i] == std::byte{0xFF} && bytes[i + 1] == std::byte{0xDA}) ++scans;
  }
  return scans;
}

// Whether all components have a scan: FF DA, length, their number, and two bytes for each.
bool has_all_components(std::span<const std::byte> bytes, const jpeg_decompress_struct& decoder) {
  std::set<int> seen;
  const auto at = [&](std::size_t i) { return std::to_integer<int>(bytes[i]); };
  for (std::size_t i = 0; i + 4 < bytes.size(); ++i) {
    if (at(i) != 0xFF || at(i + 1) != 0xDA) continue;
    const auto count = static_cast<std::size_t>(at(i + 4));
    for (std::size_t k = 0; k < count && i + 5 + 2 * k < bytes.size(); ++k) {
      seen.insert(at(i + 5 + 2 * k));
    }
  }
  for (int c = 0; c < decoder.num_components; ++c) {
    if (!seen.contains(decoder.comp_info[c].component_id)) return false;
  }
  return true;
}

// Of a file without an end: whether each coefficient has all its bits.
bool is_complete(std::span<const std::byte> bytes, const jpeg_decompress_struct& decoder) {
  if (!has_all_components(bytes, decoder)) return false;
  if (decoder.progressive_mode == FALSE || decoder.coef_bits == nullptr) return true;
  for (int c = 0; c < decoder.num_components; ++c) {
    for (int k = 0; k < DCTSIZE2; ++k) {
      if (decoder.coef_bits[c][k] != 0) return false;
    }
  }
  return true;
}

// Ink, black last: Adobe's programs store how much light is left, others how much ink there is.
void from_ink(const std::uint8_t* ink, Index width, bool adobe, std::uint8_t* dst) {
  for (Index x = 0; x < width; ++x, ink += 4) {
    const unsigned black = adobe ? ink[3] : 255U - ink[3];
    for (int c = 0; c < 3; ++c) {
      const unsigned light = adobe ? ink[c] : 255U - ink[c];
      *dst++ = static_cast<std::uint8_t>((light * black + 127) / 255);
    }
  }
}

/// The decoder and the memory that it writes to: what longjmp() passes over has no destructors.
struct Decoding {
  jpeg_decompress_struct decoder{};
  Messages messages;
  std::span<const std::byte> bytes;
  std::vector<std::uint8_t> ink;  // a line
  std::uint8_t* dst = nullptr;
  std::size_t line_bytes = 0;  // of dst
  bool complete = false;

  Decoding() {
    decoder.err = jpeg_std_error(&messages.manager);
    messages.manager.error_exit = on_error;
    messages.manager.emit_message = on_message;
    messages.manager.output_message = on_output;
  }
  ~Decoding() { jpeg_destroy_decompress(&decoder); }
  Decoding(const Decoding&) = delete;
  Decoding& operator=(const Decoding&) = delete;
};

// False where libjpeg gave up; messages.text says why. Nothing here may own anything.
bool read_header(Decoding& own) {
  if (setjmp(own.messages.after_error) != 0) return false;
  jpeg_create_decompress(&own.decoder);
  jpeg_mem_src(&own.decoder, reinterpret_cast<const unsigned char*>(own.bytes.data()),
               static_cast<unsigned long>(own.bytes.size()));
  jpeg_read_header(&own.decoder, TRUE);
  return true;
}

bool read_pixels(Decoding& own) {
  if (setjmp(own.messages.after_error) != 0) return false;
  jpeg_decompress_struct& decoder = own.decoder;
  decoder.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&decoder);
  const bool printed = decoder.out_color_space == JCS_CMYK;
  while (decoder.output_scanline < decoder.output_height) {
    std::uint8_t* const dst = own.dst + decoder.output_scanline * own.line_bytes;
    JSAMPROW line = printed ? own.ink.data() : dst;
    jpeg_read_scanlines(&decoder, &line, 1);
    if (printed) {
      from_ink(own.ink.data(), decoder.output_width, decoder.saw_Adobe_marker != FALSE, dst);
    }
  }
  own.complete = is_complete(own.bytes, decoder);  // what it looks at ends with the decompression
  jpeg_finish_decompress(&decoder);
  return true;
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, const std::string& where) {
  Decoding own;
  own.bytes = bytes;
  jpeg_decompress_struct& decoder = own.decoder;
  if (!read_header(own)) {
    fail(ErrorKind::data,
         fmt::format("{}: is not a JPEG that can be read: {}", where, own.messages.text));
  }
  const auto width = static_cast<Index>(decoder.image_width);
  const auto height = static_cast<Index>(decoder.image_height);
  check_image_size(height, width, where);
  if (scans_in(bytes) > kMostScans) {
    fail(ErrorKind::data,
         fmt::format("{}: has more than {} scans; it is taken for a bomb", where, kMostScans));
  }
  const bool grey = decoder.jpeg_color_space == JCS_GRAYSCALE;
  const bool printed = decoder.jpeg_color_space == JCS_CMYK || decoder.jpeg_color_space == JCS_YCCK;
  decoder.out_color_space = grey ? JCS_GRAYSCALE : printed ? JCS_CMYK : JCS_RGB;
  if (printed) own.ink.resize(static_cast<std::size_t>(4 * width));
  Image image{{.channels = grey ? 1 : 3, .height = height, .width = width}, {}};
  image.pixels.resize(static_cast<std::size_t>(image.shape.size()));
  own.dst = image.pixels.data();
  own.line_bytes = static_cast<std::size_t>(image.shape.channels * width);
  const bool read = read_pixels(own);
  if (!read || own.messages.damaged) {
    fail(ErrorKind::data, fmt::format("{}: JPEG is damaged: {}", where, own.messages.text));
  }
  if (own.messages.ended_early && !own.complete) {
    fail(ErrorKind::data,
         fmt::format("{}: JPEG is damaged: it is cut short, between two scans", where));
  }
  return image;
}

}  // namespace kindred
