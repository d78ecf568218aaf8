#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/function_ref.h"
#include "kindred/core/parameters.h"

namespace KINDRED_API kindred {

class FileHandle;

/// A named array inside a tensor file.
struct Tensor {
  std::string name;
  DataType type = DataType::f32;
  std::vector<Index> shape;
  std::span<const std::byte> bytes;  ///< little-endian, row-major; none of a file that is open
  /// Where ranks share the array out: `bytes` are this one's, from byte `first` of the whole on,
  /// and `read` hands over the whole, piece by piece.
  std::size_t first = 0;
  std::function<void(FunctionRef<void(std::span<const std::byte>)> take)> read = {};

  /// Of the whole.
  std::size_t size() const;
};

/// Named arrays and named texts in one file: safetensors, which Python reads with the usual
/// library. Models and checkpoints are such files. Two texts are checksums: `data_xxh3` over the
/// data buffer and `header_xxh3` over the header with that text as zeros.
class TensorFile {
 public:
  TensorFile() = default;
  TensorFile(TensorFile&&) = default;
  TensorFile& operator=(TensorFile&&) = default;

  std::map<std::string, std::string> metadata;

  void add(Tensor tensor);  ///< the bytes stay the caller's until write() is done
  /// Written beside `path`, fsynced, renamed: the old file or the whole new one. Fails with
  /// cannot_create or io.
  void write(const std::string& path) const;
  /// What write() writes.
  std::vector<std::byte> bytes() const;
  /// Fails with recipe where it holds more, or longer names, than read() takes. write() asks;
  /// training does before its first step.
  void check_fits() const;

  /// Reads and checks everything: header size, JSON, types, shapes against offsets, no holes, no
  /// overlap, nothing behind the end, both checksums, finite numbers. Fails with no_input or data.
  static TensorFile read(const std::string& path);
  /// The same of a file's bytes; `path` names them in messages.
  static TensorFile parse(std::vector<std::byte> content, const std::string& path);
  /// Checks everything as read() does, and leaves the arrays where they are: copy() reads them. For
  /// files that may be larger than the memory.
  static TensorFile open(const std::string& path);

  /// Bytes of one of tensors(), from its byte `first` on. Of a file that is open fails with io, or
  /// with data where it was written since. REQUIRES: the tensor has them.
  void copy(const Tensor& tensor, std::size_t first, std::span<std::byte> to) const;

  const std::vector<Tensor>& tensors() const { return tensors_; }
  /// nullptr when there is none of that name.
  const Tensor* find(std::string_view name) const;
  /// The text of `key`; fails with data when it is missing. `path` is for the message.
  const std::string& text(const std::string& key) const;
  /// The text of `key` as a number; fails with data where it is none, out of range or not finite.
  Index number(const std::string& key, Index low, Index high) const;
  double real_number(const std::string& key) const;
  const std::string& path() const { return path_; }

  /// Says in `metadata` what the file is ("kindred model"), in which format, and at which level of
  /// instruction sets its numbers were computed.
  void describe(const std::string& kind);
  /// Fails with data unless the file is one of `kind` in a format that this program reads. `hint`
  /// says where such a file is to be found.
  void check_kind(const std::string& kind, const std::string& hint) const;
  /// The level that describe() wrote down; "" in older files.
  std::string level() const;

 private:
  using Part = std::span<const std::byte>;
  void visit_parts(FunctionRef<void(std::span<const Part>)> visit) const;
  void write_in_pieces(const std::string& path) const;
  std::string header(std::string_view checksum_of_data) const;
  template <typename T>
  T number_of(const std::string& key, T low, T high) const;
  void check();
  template <typename Header>
  void take(const Header& header, std::uint64_t first);
  void check_data() const;
  std::span<const std::byte> memory(std::uint64_t begin, std::uint64_t end) const;
  void visit(std::uint64_t begin, std::uint64_t end, FunctionRef<void(Part)> take) const;

  std::string path_;
  std::vector<Tensor> tensors_;        ///< of a file that was read: in the order of their bytes
  std::vector<std::uint64_t> places_;  ///< of a file that was read: where they begin in it
  std::uint64_t size_ = 0;             ///< of a file that was read
  std::vector<std::byte> content_;     ///< of a file in memory; the tensors point into it
  std::shared_ptr<FileHandle> file_;   ///< of a file that is open
  std::int64_t modified_ = 0;          ///< when it was written, before it was checked
};

}  // namespace kindred
