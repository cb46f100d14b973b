// C ABI between the managed TorchSharp and LibTorch. Tensors travel as TensorImpl pointers that own one reference.
#pragma once
#include <cstdint>

extern "C" {

enum ts_tag : int32_t {
  TS_NONE = 0, TS_TENSOR = 1, TS_INT = 2, TS_DOUBLE = 3, TS_BOOL = 4, TS_INTS = 5, TS_DOUBLES = 6, TS_BOOLS = 7,
  TS_TENSORS = 8, TS_GENERATOR = 9, TS_STRING = 10, TS_DEVICE = 11, TS_COMPLEX = 12
};

// Lists are arrays of n 8-byte elements; a device is type | index << 32; a complex number is two doubles.
struct ts_value {
  int32_t tag;
  int32_t n;
  union { int64_t i; double d; void* p; };
};

struct ts_cuda_info { char name[256]; int32_t major, minor, multiprocessors, reserved; int64_t total, free; };

struct ts_info { int32_t dtype, device_type, device_index, ndim; int64_t numel, element_size; };

}

#define TS_API extern "C" __attribute__((visibility("default")))


void ts_set_error(const char* message);
