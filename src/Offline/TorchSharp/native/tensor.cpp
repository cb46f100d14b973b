// Facts about a tensor, its lifetime, and the autograd engine.
#include "shim.h"
#include "guard.h"
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>
#include <c10/core/GradMode.h>
#include <string>
#include <vector>

static thread_local std::string last_error;

void ts_set_error(const char* message) { last_error = message; }

TS_API const char* ts_last_error() { return last_error.c_str(); }

static std::vector<at::Tensor> borrow_all(void* const* handles, int n) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(n);
  for (int k = 0; k < n; ++k) tensors.push_back(handles[k] ? ts_borrow(handles[k]) : at::Tensor());
  return tensors;
}

static at::Tensor with_memory(const at::Tensor& t) { return t.defined() && t._is_zerotensor() ? at::zeros(t.sizes(), t.options()) : t; }

TS_API void ts_free(void* tensor) {
  ts_guard([&] { c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(ts_impl(tensor)); });
}

TS_API int ts_info_of(void* tensor, ts_info* info) {
  return ts_guard([&] {
    auto t = ts_borrow(tensor);
    auto device = t.device();
    *info = {(int32_t)t.scalar_type(), (int32_t)device.type(), (int32_t)device.index(), (int32_t)t.dim(), t.numel(), (int64_t)t.element_size()};
  });
}

TS_API int ts_sizes(void* tensor, int64_t* sizes) {
  return ts_guard([&] { for (auto s : ts_impl(tensor)->sizes()) *sizes++ = s; });
}

TS_API int ts_strides(void* tensor, int64_t* strides) {
  return ts_guard([&] { for (auto s : ts_impl(tensor)->strides()) *strides++ = s; });
}

TS_API int64_t ts_storage_offset(void* tensor) {
  int64_t offset = 0;
  ts_guard([&] { offset = ts_borrow(tensor).storage_offset(); });
  return offset;
}

// Null with an error set when the tensor has no plain memory (sparse, meta, conjugate views).
TS_API int ts_data_ptr(void* tensor, void** data) {
  return ts_guard([&] {
    auto t = ts_borrow(tensor);
    *data = t.data_ptr();
    TORCH_CHECK(*data != nullptr || t.numel() == 0, "the tensor has no memory to read");
  });
}

enum ts_flag { FLAG_CONTIGUOUS, FLAG_REQUIRES_GRAD, FLAG_LEAF, FLAG_SPARSE, FLAG_CONJ, FLAG_NEG, FLAG_QUANTIZED, FLAG_PINNED };

TS_API int ts_get_flag(void* tensor, int flag) {
  int value = -1;
  ts_guard([&] {
    auto t = ts_borrow(tensor);
    switch (flag) {
      case FLAG_CONTIGUOUS: value = t.is_contiguous(); break;
      case FLAG_REQUIRES_GRAD: value = t.requires_grad(); break;
      case FLAG_LEAF: value = t.is_leaf(); break;
      case FLAG_SPARSE: value = t.is_sparse(); break;
      case FLAG_CONJ: value = t.is_conj(); break;
      case FLAG_NEG: value = t.is_neg(); break;
      case FLAG_QUANTIZED: value = t.is_quantized(); break;
      case FLAG_PINNED: value = t.is_pinned(); break;
    }
  });
  return value;
}

TS_API int ts_set_requires_grad(void* tensor, int on) {
  return ts_guard([&] { ts_borrow(tensor).requires_grad_(on != 0); });
}

TS_API int ts_retain_grad(void* tensor) {
  return ts_guard([&] { ts_borrow(tensor).retain_grad(); });
}

TS_API int ts_grad(void* tensor, void** grad) {
  return ts_guard([&] {
    auto t = ts_borrow(tensor);
    // Some derivatives are zero everywhere and come without memory; whoever reads a gradient expects numbers.
    if (t.grad().defined() && t.grad()._is_zerotensor()) t.mutable_grad() = with_memory(t.grad());
    auto g = t.grad();
    *grad = ts_release(std::move(g));
  });
}

TS_API int ts_set_grad(void* tensor, void* grad) {
  return ts_guard([&] { ts_borrow(tensor).mutable_grad() = grad ? ts_borrow(grad) : at::Tensor(); });
}

// The variable keeps its identity (graph leaf, hooks) and gets the other tensor's memory, type and device.
TS_API int ts_set_data(void* tensor, void* data) {
  return ts_guard([&] { ts_borrow(tensor).set_data(ts_borrow(data)); });
}

// The scalar of a one-element tensor: integers and booleans in i, floating point in d.
TS_API int ts_item(void* tensor, ts_value* value) {
  return ts_guard([&] {
    auto s = ts_borrow(tensor).item();
    *value = {};
    if (s.isBoolean()) { value->tag = TS_BOOL; value->i = s.toBool(); }
    else if (s.isIntegral(false)) { value->tag = TS_INT; value->i = s.toLong(); }
    else if (s.isComplex()) { value->tag = TS_COMPLEX; value->d = s.toComplexDouble().real(); }
    else { value->tag = TS_DOUBLE; value->d = s.toDouble(); }
  });
}

TS_API int ts_grad_enabled() { return c10::GradMode::is_enabled(); }

TS_API void ts_set_grad_enabled(int on) { c10::GradMode::set_enabled(on != 0); }

TS_API int ts_backward(void* const* tensors, int n, void* const* gradients, int ngradients, int retain, int create, void* const* inputs, int ninputs) {
  return ts_guard([&] {
    torch::autograd::backward(borrow_all(tensors, n), borrow_all(gradients, ngradients),
      retain != 0, create != 0, borrow_all(inputs, ninputs));
  });
}

TS_API int ts_autograd_grad(void* const* outputs, int n, void* const* inputs, int ninputs, void* const* gradients, int ngradients,
                            int retain, int create, int allow_unused, void** results) {
  return ts_guard([&] {
    auto grads = torch::autograd::grad(borrow_all(outputs, n), borrow_all(inputs, ninputs), borrow_all(gradients, ngradients),
      retain != 0, create != 0, allow_unused != 0);
    for (size_t k = 0; k < grads.size(); ++k) results[k] = ts_release(with_memory(grads[k]));
  });
}
