// The half of HDF5 reading that runs in this process: it asks, and a process of its own for each
// file answers (hdf5_reader.h).
#include "kindred/data/hdf5_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include "data/hdf5/hdf5_access.h"
#include "data/hdf5/hdf5_reader.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

// A small file that keeps HDF5 busy leads it in circles.
constexpr Index kSmallFile = Index{1} << 20;
constexpr double kSmallFileSeconds = 2;
constexpr Index kUsualPiece = Index{4} << 20;  // bytes that cross at once: what caches hold
constexpr Index kLargestPiece = Index{256} << 20;

IsolationLimits reading_limits(const std::string& path) {
  struct stat status {};
  const bool known = ::stat(path.c_str(), &status) == 0;
  return {.computing = known && status.st_size < kSmallFile ? kSmallFileSeconds : 0};
}

Hdf5Reader* start_reading(const std::string& path) {
  return std::make_unique<Hdf5Reader>(path).release();  // ends with its process
}

/// A reader in a process of its own.
struct ReadingProcess {
  explicit ReadingProcess(const std::string& path)
      : process(with_hdf5_ready(path), reading_limits(path)),
        reader(process.call(start_reading, path)) {}

  // Once, here, and not in each child.
  static const std::string& with_hdf5_ready(const std::string& path) {
    const Hdf5Session session;
    return path;
  }

  template <typename Result, typename... P, typename... A>
  Result ask(Result (Hdf5Reader::*method)(P...) const, const A&... arguments) {
    using Method = Result (Hdf5Reader::*)(P...) const;
    Result (*const call)(const Hdf5Reader*, Method, std::decay_t<P>...) =
        [](const Hdf5Reader* there, Method asked, std::decay_t<P>... values) {
          return (there->*asked)(values...);
        };
    return process.call(call, reader, method, arguments...);
  }

  IsolatedProcess process;
  Hdf5Reader* reader;
};

struct OpenArray {
  const Hdf5Array* array = nullptr;
  Hdf5ArrayInfo info;
  auto fields() { return std::tie(array, info); }
};

OpenArray open_array(Hdf5Reader* reader, const std::string& name, Index cache_bytes) {
  const Hdf5Array* const array = reader->open_array(name, cache_bytes);
  return {array, *array};
}

void close_array(Hdf5Reader* reader, const Hdf5Array* array) { reader->close_array(array); }

template <typename T>
void read_piece(std::span<std::byte> dst, const Hdf5Array* array, Index first, Index count) {
  array->read_rows(first, count, reinterpret_cast<T*>(dst.data()));
}

}  // namespace

// --- data sets ---

struct Hdf5Dataset::Impl {
  Impl(std::shared_ptr<ReadingProcess> from, const std::string& name, Index cache_bytes)
      : reading(std::move(from)),
        open(reading->process.call(open_array, reading->reader, name, cache_bytes)) {}
  ~Impl() {
    try {
      reading->process.call(close_array, reading->reader, open.array);
    } catch (const Error&) {  // it has ended, and its data sets with it
    }
  }
  Impl(Impl&&) = delete;

  // Rows that cross at once: whole chunks, so that none is unpacked twice.
  Index rows_at_once(Index row_bytes) const {
    Index rows = std::max<Index>(1, kUsualPiece / row_bytes);
    if (open.info.chunk.empty()) return rows;
    rows = round_up(rows, open.info.chunk[0]);
    return std::min(rows, std::max<Index>(1, kLargestPiece / row_bytes));
  }

  std::shared_ptr<ReadingProcess> reading;
  OpenArray open;
};

Hdf5Dataset::Hdf5Dataset(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Hdf5Dataset::Hdf5Dataset(Hdf5Dataset&&) noexcept = default;
Hdf5Dataset& Hdf5Dataset::operator=(Hdf5Dataset&&) noexcept = default;
Hdf5Dataset::~Hdf5Dataset() = default;

const std::vector<Index>& Hdf5Dataset::shape() const { return impl_->open.info.shape; }
Hdf5Kind Hdf5Dataset::kind() const { return impl_->open.info.kind; }
Index Hdf5Dataset::element_bytes() const { return impl_->open.info.element_bytes; }
bool Hdf5Dataset::is_signed() const { return impl_->open.info.is_signed; }
const std::vector<Index>& Hdf5Dataset::chunk() const { return impl_->open.info.chunk; }
bool Hdf5Dataset::compressed() const { return impl_->open.info.compressed; }

template <typename T>
void Hdf5Dataset::read_rows(Index first, Index count, T* dst) const {
  const Hdf5ArrayInfo& info = impl_->open.info;
  const Index rows = info.shape.empty() ? 1 : info.shape[0];
  if (first < 0 || count < 0 || first > rows - count) {
    fail(ErrorKind::internal,
         fmt::format("{}: rows [{}, {}) of {} were asked", info.where, first, first + count, rows));
  }
  if (info.kind != Hdf5Kind::integer && info.kind != Hdf5Kind::real) {
    fail(ErrorKind::data, fmt::format("{}: does not hold numbers", info.where));
  }
  if (count == 0 || info.elements == 0) return;
  const Index row_values = info.elements / rows;
  const Index most = impl_->rows_at_once(row_values * static_cast<Index>(sizeof(T)));
  for (const Index end = first + count; first < end;) {
    const Index piece = std::min(end, (first / most + 1) * most) - first;
    const std::span<T> values(dst, static_cast<std::size_t>(piece * row_values));
    impl_->reading->process.fill(std::as_writable_bytes(values), read_piece<T>, impl_->open.array,
                                 first, piece);
    first += piece;
    dst += piece * row_values;
  }
}

const Hdf5ArrayInfo& Hdf5Access::info(const Hdf5Dataset& data) { return data.impl_->open.info; }
const Hdf5Array* Hdf5Access::array(const Hdf5Dataset& data) { return data.impl_->open.array; }
IsolatedProcess& Hdf5Access::process(const Hdf5Dataset& data) {
  return data.impl_->reading->process;
}

// --- files ---

struct Hdf5File::Impl {
  explicit Impl(const std::string& given)
      : path(given),
        reading(std::make_shared<ReadingProcess>(given)),
        place(reading->ask(&Hdf5Reader::place)) {}

  std::string path;
  std::shared_ptr<ReadingProcess> reading;
  Hdf5Place place;
};

Hdf5File Hdf5File::open(const std::string& path) { return Hdf5File(std::make_unique<Impl>(path)); }

Hdf5File::Hdf5File(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Hdf5File::Hdf5File(Hdf5File&&) noexcept = default;
Hdf5File& Hdf5File::operator=(Hdf5File&&) noexcept = default;
Hdf5File::~Hdf5File() = default;

const std::string& Hdf5File::path() const { return impl_->path; }
std::string Hdf5File::where(std::string_view name) const { return impl_->place.where(name); }

bool Hdf5File::exists(std::string_view name) const {
  return impl_->reading->ask(&Hdf5Reader::exists, std::string(name));
}
bool Hdf5File::is_group(std::string_view name) const {
  return impl_->reading->ask(&Hdf5Reader::is_group, std::string(name));
}
bool Hdf5File::is_dataset(std::string_view name) const {
  return impl_->reading->ask(&Hdf5Reader::is_dataset, std::string(name));
}
std::vector<std::string> Hdf5File::children(std::string_view name) const {
  return impl_->reading->ask(&Hdf5Reader::children, std::string(name));
}

std::vector<std::string> Hdf5File::datasets() const {
  return impl_->reading->ask(&Hdf5Reader::datasets);
}

Hdf5Dataset Hdf5File::dataset(std::string_view name, Index cache_bytes) const {
  return Hdf5Dataset(
      std::make_unique<Hdf5Dataset::Impl>(impl_->reading, std::string(name), cache_bytes));
}

std::vector<Index> Hdf5File::shape(std::string_view name) const {
  return impl_->reading->ask(&Hdf5Reader::info, std::string(name)).shape;
}
Hdf5Kind Hdf5File::kind(std::string_view name) const {
  return impl_->reading->ask(&Hdf5Reader::info, std::string(name)).kind;
}

template <typename T>
std::vector<T> Hdf5File::read(std::string_view name) const {
  const Hdf5Dataset data = dataset(name);
  std::vector<T> values(static_cast<std::size_t>(data.impl_->open.info.elements));
  data.read_rows(0, data.shape().empty() ? 1 : data.shape()[0], values.data());
  return values;
}

template <typename T>
T Hdf5File::scalar(std::string_view name) const {
  const std::vector<T> values = read<T>(name);
  if (values.size() != 1) {
    fail(ErrorKind::data,
         fmt::format("{}: holds {} values; one is expected", where(name), values.size()));
  }
  return values[0];
}

std::vector<std::string> Hdf5File::read_strings(std::string_view name) const {
  return impl_->reading->ask(&Hdf5Reader::read_strings, std::string(name));
}

std::vector<std::vector<std::byte>> Hdf5File::read_bytes(std::string_view name, Index first,
                                                         Index count) const {
  return impl_->reading->ask(&Hdf5Reader::read_bytes, std::string(name), first, count);
}

std::vector<std::string> Hdf5File::attributes(std::string_view object) const {
  return impl_->reading->ask(&Hdf5Reader::attributes, std::string(object));
}
bool Hdf5File::has_attribute(std::string_view object, const std::string& name) const {
  return impl_->reading->ask(&Hdf5Reader::has_attribute, std::string(object), name);
}
std::string Hdf5File::attribute_text(std::string_view object, const std::string& name) const {
  return impl_->reading->ask(&Hdf5Reader::attribute_text, std::string(object), name);
}
std::vector<double> Hdf5File::attribute_numbers(std::string_view object,
                                                const std::string& name) const {
  return impl_->reading->ask(&Hdf5Reader::attribute_numbers, std::string(object), name);
}

std::vector<Hdf5TableRow> Hdf5File::attribute_table(std::string_view object,
                                                    const std::string& name,
                                                    std::span<const std::string> texts,
                                                    std::span<const std::string> numbers) const {
  using Names = std::vector<std::string>;
  const Hdf5Table table =
      impl_->reading->ask(&Hdf5Reader::attribute_table, std::string(object), name,
                          Names(texts.begin(), texts.end()), Names(numbers.begin(), numbers.end()));
  const auto width = static_cast<std::ptrdiff_t>(numbers.size());
  const auto text_width = static_cast<std::ptrdiff_t>(texts.size());
  std::vector<Hdf5TableRow> rows(table.numbers.size() / numbers.size());
  auto text = table.texts.begin();
  auto number = table.numbers.begin();
  for (Hdf5TableRow& row : rows) {
    row.texts.assign(text, text + text_width);
    row.numbers.assign(number, number + width);
    text += text_width;
    number += width;
  }
  return rows;
}

bool is_hdf5_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  // At the start, or behind a user block of 512, 1024, ... bytes.
  constexpr std::array<char, 8> kSignature{'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};
  for (long at = 0; file != nullptr && at < status.st_size; at = std::max(512L, 2 * at)) {
    std::array<char, 8> found{};
    if (std::fseek(file.get(), at, SEEK_SET) == 0 &&
        std::fread(found.data(), found.size(), 1, file.get()) == 1 && found == kSignature) {
      return true;
    }
  }
  return false;
}

template void Hdf5Dataset::read_rows(Index, Index, float*) const;
template void Hdf5Dataset::read_rows(Index, Index, double*) const;
template void Hdf5Dataset::read_rows(Index, Index, std::int64_t*) const;
template void Hdf5Dataset::read_rows(Index, Index, std::uint64_t*) const;
template void Hdf5Dataset::read_rows(Index, Index, std::int32_t*) const;
template void Hdf5Dataset::read_rows(Index, Index, std::uint8_t*) const;
template std::vector<float> Hdf5File::read(std::string_view) const;
template std::vector<double> Hdf5File::read(std::string_view) const;
template std::vector<std::int64_t> Hdf5File::read(std::string_view) const;
template std::vector<std::uint64_t> Hdf5File::read(std::string_view) const;
template std::vector<std::int32_t> Hdf5File::read(std::string_view) const;
template std::vector<std::uint8_t> Hdf5File::read(std::string_view) const;
template float Hdf5File::scalar(std::string_view) const;
template double Hdf5File::scalar(std::string_view) const;
template std::int64_t Hdf5File::scalar(std::string_view) const;
template std::int32_t Hdf5File::scalar(std::string_view) const;
template std::uint8_t Hdf5File::scalar(std::string_view) const;

}  // namespace kindred
