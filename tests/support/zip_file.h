#pragma once
#include <archive.h>
#include <archive_entry.h>
#include <png.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kindred::test {

/// A zip of these files, in this order.
inline void write_zip(const std::string& path,
                      const std::vector<std::pair<std::string, std::string>>& files) {
  ::archive* zip = archive_write_new();
  archive_write_set_format_zip(zip);
  archive_write_open_filename(zip, path.c_str());
  for (const auto& [name, content] : files) {
    ::archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_write_header(zip, entry);
    archive_write_data(zip, content.data(), content.size());
    archive_entry_free(entry);
  }
  archive_write_close(zip);
  archive_write_free(zip);
}

/// These bytes as a gzip file.
inline void write_gzip(const std::string& path, const std::string& content) {
  ::archive* file = archive_write_new();
  archive_write_add_filter_gzip(file);
  archive_write_set_format_raw(file);
  archive_write_open_filename(file, path.c_str());
  ::archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_write_header(file, entry);
  archive_write_data(file, content.data(), content.size());
  archive_entry_free(entry);
  archive_write_close(file);
  archive_write_free(file);
}

/// A grey PNG of width x height bytes.
inline std::string grey_png(std::uint32_t width, std::uint32_t height,
                            const std::vector<std::uint8_t>& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_GRAY;
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr);
  std::string bytes(size, '\0');
  png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr);
  bytes.resize(size);
  return bytes;
}

}  // namespace kindred::test
