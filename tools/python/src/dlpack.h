#pragma once
#include <cstdint>

/// The part of DLPack that is read here: the layout of what a "dltensor" capsule points to.
/// Source: github.com/dmlc/dlpack, include/dlpack/dlpack.h, version 0.8 (an ABI: names and order
/// stay).
namespace kindred::python {

enum : std::int32_t { kDLCPU = 1, kDLCUDAHost = 3 };
enum : std::uint8_t { kDLInt = 0, kDLUInt = 1, kDLFloat = 2, kDLBfloat = 4, kDLBool = 6 };

struct DLDevice {
  std::int32_t device_type;
  std::int32_t device_id;
};

struct DLDataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};

struct DLTensor {
  void* data;
  DLDevice device;
  std::int32_t ndim;
  DLDataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; nullptr: C's order
  std::uint64_t byte_offset;
};

struct DLManagedTensor {
  DLTensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(DLManagedTensor*);
};

}  // namespace kindred::python
