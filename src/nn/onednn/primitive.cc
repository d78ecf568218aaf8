#include "nn/onednn/primitive.h"

#include <fmt/format.h>

#include <cassert>
#include <utility>

namespace kindred {

Primitive::Primitive(const dnnl::primitive_desc_base& desc, std::string of)
    : primitive(desc.get()),
      scratchpad(desc.scratchpad_desc()),
      implementation(desc.impl_info_str()),
      owner(std::move(of)) {}

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

Primitive make_reorder(const dnnl::engine& engine, const dnnl::memory::desc& from,
                       const dnnl::memory::desc& to, const std::string& owner) {
  return with_errors_named(owner, [&] {
    const dnnl::reorder::primitive_desc desc(engine, from, engine, to, user_scratchpad());
    return Primitive(desc, owner);
  });
}

Call::Call(const dnnl::engine& engine, const Primitive& primitive)
    : primitive_(&primitive), engine_(engine) {
  if (primitive.scratchpad_bytes() > 0) add(DNNL_ARG_SCRATCHPAD, primitive.scratchpad);
}

void Call::add(int argument, const dnnl::memory::desc& desc, const void* address) {
  assert(count_ < kMost);
  memories_[count_] = dnnl::memory(desc, engine_, const_cast<void*>(address));
  addresses_[count_] = address;
  arguments_[count_] = {argument, memories_[count_].get()};
  ++count_;
}

void Call::set(int argument, const void* address) {
  for (std::size_t i = 0; i < count_; ++i) {
    if (arguments_[i].arg != argument) continue;
    if (addresses_[i] == address) return;
    const auto status = compat::set_handle(arguments_[i].memory, const_cast<void*>(address));
    if (status != dnnl_success) failed(status);
    addresses_[i] = address;
    return;
  }
  assert(false && "argument was not added");
}

void Call::run(ScratchStack& scratch) {
  ScratchFrame frame(scratch);
  if (const Index bytes = primitive_->scratchpad_bytes(); bytes > 0) {
    set(DNNL_ARG_SCRATCHPAD, frame.take(bytes));
  }
  const auto status = dnnl_primitive_execute(primitive_->primitive.get(), scratch.stream().get(),
                                             static_cast<int>(count_), arguments_.data());
  if (status != dnnl_success) failed(status);
}

void Call::failed(dnnl_status_t status) const {
  fail(ErrorKind::internal,
       fmt::format("{}: oneDNN could not run {} (status {})", primitive_->owner,
                   primitive_->implementation, static_cast<int>(status)));
}

}  // namespace kindred
