#pragma once
#include <array>
#include <string>

#include "kindred/core/error.h"
#include "nn/onednn/dnnl_compat.h"
#include "nn/onednn/scratch.h"

namespace kindred {

/// A compiled oneDNN primitive: immutable, run by many threads at once through `Call`s.
/// Its scratchpad always comes from the caller (ScratchStack): the library's own is bound to the
/// thread that made the primitive.
struct Primitive {
  dnnl::primitive primitive;
  dnnl::memory::desc scratchpad;
  std::string implementation;  ///< "jit:avx512_core", "jit_wino_4x3:avx512_core", ...
  std::string owner;           ///< "convolution 'blocks.0.convolution' forward": for messages

  Primitive() = default;
  Primitive(const dnnl::primitive_desc_base& desc, std::string owner);
  explicit operator bool() const { return static_cast<bool>(primitive); }
  Index scratchpad_bytes() const { return static_cast<Index>(scratchpad.get_size()); }
};

/// Every primitive of ours is made with this attribute, or a copy with post-ops.
dnnl::primitive_attr user_scratchpad();

/// Copies from one layout to another.
Primitive make_reorder(const dnnl::engine& engine, const dnnl::memory::desc& from,
                       const dnnl::memory::desc& to, const std::string& owner);

/// One primitive with the memory objects one slice runs it with. Nothing is allocated by run().
class Call {
 public:
  Call() = default;
  /// `primitive` must outlive the call.
  Call(const dnnl::engine& engine, const Primitive& primitive);

  /// Declares an argument; its address is set before the first run.
  void add(int argument, const dnnl::memory::desc& desc, const void* address = nullptr);
  /// Sets an argument's address; free of cost when it is the same as before.
  void set(int argument, const void* address);
  void run(ScratchStack& scratch);
  explicit operator bool() const { return primitive_ != nullptr; }

 private:
  static constexpr std::size_t kMost = 8;
  [[noreturn]] void failed(dnnl_status_t status) const;

  const Primitive* primitive_ = nullptr;
  dnnl::engine engine_;
  std::array<dnnl::memory, kMost> memories_;
  std::array<const void*, kMost> addresses_{};
  std::array<dnnl_exec_arg_t, kMost> arguments_{};
  std::size_t count_ = 0;
};

/// Runs `compile`; a dnnl::error becomes an Error that names `what`.
template <typename F>
auto with_errors_named(const std::string& what, F&& compile) {
  try {
    return compile();
  } catch (const dnnl::error& error) {
    fail(ErrorKind::internal, what + ": oneDNN: " + error.what());
  }
}

}  // namespace kindred
