// Shared by the shim's sources: exceptions to error codes, and tensor pointers in and out.
#pragma once
#include "shim.h"
#include <ATen/ATen.h>
#include <exception>

template <class F> int ts_guard(F body) {
  try {
    body();
    return 0;
  } catch (const c10::Error& e) {
    ts_set_error(e.what_without_backtrace());
  } catch (const std::exception& e) {
    ts_set_error(e.what());
  } catch (...) {
    ts_set_error("unknown native exception");
  }
  return 1;
}

inline at::Tensor ts_borrow(void* handle) {
  if (handle == nullptr) return {};
  return at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim_copy(static_cast<c10::TensorImpl*>(handle)));
}

// The caller owns the reference; an undefined tensor is a null pointer.
inline void* ts_release(at::Tensor&& tensor) {
  return tensor.defined() ? tensor.unsafeReleaseTensorImpl() : nullptr;
}

inline c10::TensorImpl* ts_impl(void* handle) { return static_cast<c10::TensorImpl*>(handle); }

inline c10::Device ts_device(int64_t packed) {
  return c10::Device(static_cast<c10::DeviceType>((int32_t)packed), static_cast<c10::DeviceIndex>(packed >> 32));
}
