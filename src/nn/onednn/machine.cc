#include "kindred/nn/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "kindred/nn/precision.h"
#include "nn/onednn/engine.h"
#include "nn/onednn/primitive.h"
#include "nn/onednn/tensor.h"

namespace kindred {
namespace {

constexpr Index kRows = 512;
constexpr Index kSide = 2048;
constexpr Index kTasksOfEach = 4;

/// What one worker multiplies with.
struct Share {
  Share(const dnnl::engine& engine, const Primitive& product, const TensorDesc& src,
        const TensorDesc& weights, const void* packed, const TensorDesc& dst)
      : scratch(engine, ScratchFrame::cost(product.scratchpad_bytes())),
        src_numbers(bytes_of(src)),
        dst_numbers(bytes_of(dst)),
        call(engine, product) {
    call.add(DNNL_ARG_SRC, src, src_numbers.data());
    call.add(DNNL_ARG_WEIGHTS, weights, packed);
    call.add(DNNL_ARG_DST, dst, dst_numbers.data());
  }
  ScratchStack scratch;
  Buffer<std::byte> src_numbers;
  Buffer<std::byte> dst_numbers;
  Call call;
};

}  // namespace

std::string onednn_version() {
  const dnnl_version_t& version = *dnnl::version();
  return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

std::string instruction_set() {
  constexpr std::pair<dnnl::cpu_isa, const char*> kSets[] = {
      {dnnl::cpu_isa::avx512_core_amx, "avx512_core_amx"},
      {dnnl::cpu_isa::avx512_core_bf16, "avx512_core_bf16"},
      {dnnl::cpu_isa::avx512_core_vnni, "avx512_core_vnni"},
      {dnnl::cpu_isa::avx512_core, "avx512_core"},
      {dnnl::cpu_isa::avx2_vnni, "avx2_vnni"},
      {dnnl::cpu_isa::avx2, "avx2"},
      {dnnl::cpu_isa::avx, "avx"}};
  for (const auto& [set, name] : kSets) {
    if (onednn_has(set)) return name;
  }
  return "sse41";
}

double measure_bfloat16_product(const Workers& workers) {
  if (!has_bfloat16()) return 0;
  const ComputeScope scope;  // oneDNN plans for the number of threads it sees: one
  const dnnl::engine engine = cpu_engine();
  const TensorDesc src({kRows, kSide}, kBfloat16, FormatTag::ab);
  const TensorDesc any({kSide, kSide}, kBfloat16, FormatTag::any);
  const TensorDesc dst({kRows, kSide}, kBfloat16, FormatTag::ab);
  const auto desc = with_errors_named("bfloat16 product", [&] {
    return compat::inner_product_forward(engine, dnnl::prop_kind::forward_inference, src, any, {},
                                         dst, user_scratchpad());
  });
  const Primitive product(desc, "bfloat16 product");
  const TensorDesc weights = desc.weights_desc();
  const Buffer<std::byte> packed(bytes_of(weights));  // zeros cost what other numbers cost
  std::vector<std::unique_ptr<Share>> shares;
  for (int i = 0; i < workers.threads(); ++i) {
    shares.push_back(std::make_unique<Share>(engine, product, src, weights, packed.data(), dst));
  }
  const Index tasks = kTasksOfEach * workers.threads();
  double best = 1e300;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    workers.for_each(tasks, [&](Index, int worker) {
      Share& share = *shares[static_cast<std::size_t>(worker)];
      share.call.run(share.scratch);
    });
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return 2.0 * static_cast<double>(tasks * kRows * kSide * kSide) / best;
}

}  // namespace kindred
