#pragma once

// The numbers of fields and of types in ONNX's messages, as far as they are read or written.
// Source: onnx.proto of ONNX 1.12 (onnx/onnx, Apache 2.0); numbers never change their meaning.

namespace kindred::onnx {

namespace model_field {
enum { ir_version = 1, producer = 2, producer_version = 3, graph = 7, opset = 8, metadata = 14 };
}
namespace opset_field {
enum { domain = 1, version = 2 };
}
namespace entry_field {
enum { key = 1, value = 2 };
}
namespace graph_field {
enum { node = 1, name = 2, initializer = 5, input = 11, output = 12, sparse_initializer = 15 };
}
namespace node_field {
enum { input = 1, output = 2, name = 3, op_type = 4, attribute = 5, domain = 7 };
}
namespace attribute_field {
enum { name = 1, f = 2, i = 3, s = 4, t = 5, floats = 7, ints = 8, strings = 9, type = 20 };
}
namespace attribute_type {
enum { f = 1, i = 2, s = 3, t = 4, g = 5, floats = 6, ints = 7, strings = 8 };
}
namespace tensor_field {
enum {
  dims = 1,
  data_type = 2,
  float_data = 4,
  int32_data = 5,
  int64_data = 7,
  name = 8,
  raw_data = 9,
  double_data = 10,
  external_data = 13,
  data_location = 14
};
}
namespace value_field {
enum { name = 1, type = 2 };
}
namespace type_field {
enum { tensor = 1 };
}
namespace tensor_type_field {
enum { element = 1, shape = 2 };
}
namespace shape_field {
enum { dimension = 1 };
}
namespace dimension_field {
enum { value = 1, parameter = 2 };
}

/// TensorProto.DataType.
enum class TensorType {
  undefined = 0,
  f32 = 1,
  u8 = 2,
  i8 = 3,
  i32 = 6,
  i64 = 7,
  boolean = 9,
  f16 = 10,
  f64 = 11,
  bf16 = 16
};

}  // namespace kindred::onnx
