#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/index.h"
#include "kindred/core/parallel.h"

namespace KINDRED_API kindred {

/// What the elements of a data set or attribute are. Booleans (enumerations) count as integers;
/// bytes are rows of variable length, records have named members.
enum class Hdf5Kind { integer, real, text, bytes, records, other };

/// One open data set of an Hdf5File; rows run along the first axis. Numbers are converted by HDF5:
/// T is float, double, int64, uint64, int32 or uint8; what does not fit is clipped. Thread-safe.
class Hdf5Dataset {
 public:
  Hdf5Dataset(Hdf5Dataset&&) noexcept;
  Hdf5Dataset& operator=(Hdf5Dataset&&) noexcept;
  ~Hdf5Dataset();

  const std::vector<Index>& shape() const;  ///< empty for a single value
  Hdf5Kind kind() const;
  Index element_bytes() const;              ///< as stored
  bool is_signed() const;                   ///< integers that may be negative, and reals
  const std::vector<Index>& chunk() const;  ///< empty where stored in one piece
  bool compressed() const;                  ///< passes through a filter

  /// Rows [first, first + count) to dst. Fails with data (damaged) or internal (out of range).
  template <typename T>
  void read_rows(Index first, Index count, T* dst) const;

 private:
  friend class Hdf5File;
  friend struct Hdf5Access;
  struct Impl;
  explicit Hdf5Dataset(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A row of a table: the columns that were asked for.
struct Hdf5TableRow {
  std::vector<std::string> texts;
  std::vector<std::int64_t> numbers;
};

/// An HDF5 file opened for reading, or a group of it; names below are paths relative to that group
/// ("images", "/losses/easy"). Files are not trusted: external links, external storage, virtual
/// data sets, references, filters other than deflate, shuffle and fletcher32, and shapes that
/// claim far more than the file can hold are refused with ErrorKind::data. Messages begin with
/// "FILE: /name". HDF5 runs in a process of its own for each file, with limits: what a file does to
/// it is an Error, too. Thread-safe.
class Hdf5File {
 public:
  /// "FILE.h5" or "FILE.h5:/group". Fails with no_input (missing) or data (not HDF5, truncated).
  static Hdf5File open(const std::string& path);
  Hdf5File(Hdf5File&&) noexcept;
  Hdf5File& operator=(Hdf5File&&) noexcept;
  ~Hdf5File();

  const std::string& path() const;  ///< as given to open()
  /// "FILE: /group/name", for messages.
  std::string where(std::string_view name) const;

  bool exists(std::string_view name) const;
  bool is_group(std::string_view name) const;
  bool is_dataset(std::string_view name) const;
  /// Names in a group, sorted by bytes; "" is the group that was opened.
  std::vector<std::string> children(std::string_view name = "") const;
  /// Paths of the data sets in the group that was opened and those in it, up to 8 deep; and of what
  /// cannot be looked up: opening it says why. At most 2,000 names are looked at, as in
  /// children().
  std::vector<std::string> datasets() const;

  /// `cache_bytes` holds decompressed chunks; a chunk larger than it is inflated at every read.
  Hdf5Dataset dataset(std::string_view name, Index cache_bytes = Index{8} << 20) const;
  std::vector<Index> shape(std::string_view name) const;
  Hdf5Kind kind(std::string_view name) const;
  /// The whole data set, row-major. Fails with data where it is missing or holds no numbers.
  template <typename T>
  std::vector<T> read(std::string_view name) const;
  /// A data set of one element, whatever its rank.
  template <typename T>
  T scalar(std::string_view name) const;
  /// Strings of fixed or variable length, as stored up to the padding.
  std::vector<std::string> read_strings(std::string_view name) const;
  /// Elements [first, first + count) of bytes of variable length.
  std::vector<std::vector<std::byte>> read_bytes(std::string_view name, Index first,
                                                 Index count) const;

  /// Attributes of an object; `object` "" is the group that was opened.
  std::vector<std::string> attributes(std::string_view object) const;
  bool has_attribute(std::string_view object, const std::string& name) const;
  std::string attribute_text(std::string_view object, const std::string& name) const;
  std::vector<double> attribute_numbers(std::string_view object, const std::string& name) const;
  /// Some columns of an attribute of records: texts of fixed length, whole numbers.
  std::vector<Hdf5TableRow> attribute_table(std::string_view object, const std::string& name,
                                            std::span<const std::string> texts,
                                            std::span<const std::string> numbers) const;

 private:
  struct Impl;
  explicit Hdf5File(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// True for a file that can be opened and begins as HDF5 files do.
bool is_hdf5_file(const std::string& path);

/// How a data set is stored: in one piece without a chunk shape.
struct Hdf5Storage {
  std::vector<Index> chunk = {};
  int gzip = 0;          ///< level 1 to 9, or 0 for none; needs a chunk shape
  bool shuffle = false;  ///< bytes of equal weight side by side before deflate
};

/// Writes an HDF5 file as an OutputFile: beside `path`, and in its place in finish(); destroyed
/// before that, it leaves nothing behind. No time stamps: equal content gives equal bytes. T as in
/// Hdf5Dataset. Fails with cannot_create or io.
class Hdf5Writer {
 public:
  explicit Hdf5Writer(const std::string& path);
  Hdf5Writer(Hdf5Writer&&) noexcept;
  Hdf5Writer& operator=(Hdf5Writer&&) noexcept;
  ~Hdf5Writer();

  void group(const std::string& name);
  /// A whole data set; an empty shape is a single value.
  template <typename T>
  void write(const std::string& name, const std::vector<Index>& shape, std::span<const T> values,
             const Hdf5Storage& storage = {});
  /// A data set to be filled row by row; every row must be written.
  template <typename T>
  void create(const std::string& name, const std::vector<Index>& shape,
              const Hdf5Storage& storage = {});
  template <typename T>
  void write_rows(const std::string& name, Index first, Index count, std::span<const T> values);
  /// A data set in one piece, which is filled by write_reserved(): returns where in the file its
  /// first byte is. Every byte must be written there before finish().
  template <typename T>
  Index reserve(const std::string& name, const std::vector<Index>& shape);
  /// At a place of the file, past HDF5; `name` is whose.
  void write_reserved(const std::string& name, Index offset, std::span<const std::byte> bytes);
  /// Rows of bytes of a chunked data set from `first` on, the start of a chunk, to the end of a
  /// chunk or of the data set; deflated at `level` where it has a filter, 1 to 12 (slow and small,
  /// readable by all). Equal bytes for any number of workers.
  void write_packed(const std::string& name, Index first, std::span<const std::uint8_t> values,
                    int level, const Workers& workers);
  /// Only the first `rows` rows of a chunked data set remain; the others must not be written yet.
  void shorten(const std::string& name, Index rows);
  /// Fixed-length UTF-8, padded with zero bytes to the longest.
  void write_strings(const std::string& name, std::span<const std::string> values,
                     const Hdf5Storage& storage = {});
  /// On an object that exists; "/" is the file itself.
  void attribute(const std::string& object, const std::string& name, const std::string& value);
  void attribute(const std::string& object, const std::string& name, double value);
  void attribute(const std::string& object, const std::string& name, std::int64_t value);

  const std::string& path() const;  ///< as given

  /// Closes the file, reads back what was written, and puts it in place. Returns its bytes. Nothing
  /// may be written afterwards.
  Index finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kindred
