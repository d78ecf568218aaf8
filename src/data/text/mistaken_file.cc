#include "data/text/mistaken_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kindred/core/text.h"

namespace kindred {
namespace {

using namespace std::string_view_literals;

enum class Way { none, import, picture, array, unpack, convert, model, gallery, fetch };

struct Kind {
  std::string_view begins_with;
  std::string_view what;
  Way way;
};

// The longer beginnings come before their own beginnings.
constexpr std::array kKinds{
    Kind{"\x89HDF\r\n\x1A\n"sv, "an HDF5 file", Way::none},
    Kind{"\x93NUMPY"sv, "a NumPy array (.npy)", Way::array},
    Kind{"\xFF\xD8\xFF"sv, "a JPEG picture", Way::picture},
    Kind{"\x89PNG"sv, "a PNG picture", Way::picture},
    Kind{"BM"sv, "a BMP picture", Way::picture},
    Kind{"P5"sv, "a PGM picture", Way::picture},
    Kind{"P6"sv, "a PPM picture", Way::picture},
    Kind{"GIF8"sv, "a GIF picture", Way::convert},
    Kind{"II*\0"sv, "a TIFF picture", Way::convert},
    Kind{"MM\0*"sv, "a TIFF picture", Way::convert},
    Kind{"PAR1"sv, "a Parquet file", Way::convert},
    Kind{"ARROW1"sv, "an Arrow file", Way::convert},
    Kind{"FEA1"sv, "a Feather file", Way::convert},
    Kind{"Obj\1"sv, "an Avro file", Way::convert},
    Kind{"CDF\1"sv, "a netCDF 3 file", Way::convert},
    Kind{"CDF\2"sv, "a netCDF 3 file", Way::convert},
    Kind{"MATLAB 5.0"sv, "a MATLAB 5 file (save it with -v7.3)", Way::convert},
    Kind{"SQLite format 3"sv, "an SQLite database", Way::convert},
    Kind{"%PDF"sv, "a PDF document", Way::convert},
    Kind{"7z\xBC\xAF\x27\x1C"sv, "a 7z archive", Way::unpack},
    Kind{"\x28\xB5\x2F\xFD"sv, "a Zstandard (.zst) file", Way::unpack},
    Kind{"Rar!"sv, "a RAR archive", Way::unpack},
    Kind{"\xFD\x37zXZ"sv, "an xz file", Way::unpack},
    Kind{"BZh"sv, "a bzip2 file", Way::unpack},
    Kind{"\x1F\x8B"sv, "a gzip file", Way::unpack},
    Kind{"\x80\2"sv, "a Python pickle", Way::convert},
    Kind{"\x80\3"sv, "a Python pickle", Way::convert},
    Kind{"\x80\4"sv, "a Python pickle", Way::convert},
    Kind{"\x80\5"sv, "a Python pickle", Way::convert},
    Kind{"version https://git-lfs"sv, "a Git LFS pointer, not the file itself", Way::fetch},
    Kind{"<!DOCTYPE"sv, "an HTML page, as failed downloads leave them", Way::fetch},
    Kind{"<!doctype"sv, "an HTML page, as failed downloads leave them", Way::fetch},
    Kind{"<html"sv, "an HTML page, as failed downloads leave them", Way::fetch},
};

std::string way_in(Way way, const std::string& path) {
  switch (way) {
    case Way::import: return fmt::format("`kindred import {} OUT.h5` makes a data set of it", path);
    case Way::picture:
      return "`kindred import FOLDER OUT.h5` makes a data set of pictures, a folder for each class";
    case Way::array:
      return "`kindred train`, `embed`, `eval` and `search` read it where its name "
             "ends in .npy, .npz, .csv or .tsv";
    case Way::unpack: return "unpack it first";
    case Way::convert: return "convert it to HDF5, .npz, .csv, PNG or JPEG";
    case Way::gallery: return fmt::format("`kindred gallery info {}` tells what it holds", path);
    case Way::model: return "`kindred inspect` tells what it holds";
    case Way::fetch: return "fetch the file itself";
    case Way::none: break;
  }
  return "";
}

bool is_text(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](unsigned char c) {
    return c >= 0x20 || c == '\t' || c == '\n' || c == '\r' || c == '\f';
  });
}

MistakenFile zip_kind(std::string_view bytes, const std::string& path) {
  constexpr std::size_t kName = 30;  // a local header's fixed part
  const std::size_t length =
      bytes.size() < kName
          ? 0
          : static_cast<unsigned char>(bytes[26]) + 256U * static_cast<unsigned char>(bytes[27]);
  const std::string_view name = bytes.substr(std::min(kName, bytes.size()), length);
  if (name.ends_with(".npy")) return {"a NumPy archive (.npz)", way_in(Way::array, path)};
  return {"a zip archive", way_in(Way::import, path)};
}

}  // namespace

MistakenFile mistaken_file(std::string_view beginning, const std::string& path) {
  if (beginning.empty()) return {"empty", ""};
  if (beginning.starts_with("PK\3\4")) return zip_kind(beginning, path);
  constexpr std::size_t kApplication = 68;  // of an SQLite database; src/gallery writes "KnG1"
  if (beginning.starts_with("SQLite format 3") && beginning.size() >= kApplication + 4 &&
      beginning.substr(kApplication, 4) == "KnG1") {
    return {"a gallery", way_in(Way::gallery, path)};
  }
  for (const Kind& kind : kKinds) {
    if (beginning.starts_with(kind.begins_with)) {
      return {std::string(kind.what), way_in(kind.way, path)};
    }
  }
  const auto has = [&](std::size_t at, std::string_view text) {
    return beginning.size() >= at + text.size() && beginning.substr(at, text.size()) == text;
  };
  if (has(0, "RIFF") && has(8, "WEBP")) {
    return {"a WebP picture", way_in(Way::picture, path)};
  }
  if (has(4, "ftyp")) {
    return {"a HEIF, AVIF or video file", way_in(Way::convert, path)};
  }
  if (has(257, "ustar")) {
    return {"a tar archive", way_in(Way::import, path)};
  }
  if (beginning.size() > 8 && beginning[8] == '{') {
    return {"a model, a checkpoint or another safetensors file", way_in(Way::model, path)};
  }
  if (is_text(beginning)) {
    const bool list = path.ends_with(".csv") || path.ends_with(".tsv");
    return {"a text file", list ? way_in(Way::import, path) : ""};
  }
  return {"of no kind that is known", ""};
}

}  // namespace kindred
