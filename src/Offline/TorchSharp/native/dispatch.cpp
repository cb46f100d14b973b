// Opens operators by schema name and calls them through the boxed dispatcher, so that no signature is compiled in.
#include "shim.h"
#include "guard.h"
#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using torch::jit::Stack;
using c10::TypeKind;

// What an argument slot of a schema accepts, worked out once per operator.
struct Slot {
  TypeKind kind;      // optional removed
  TypeKind element;   // for lists, optional removed
  bool optional_element;
};

struct Operator {
  c10::OperatorHandle handle;
  std::vector<Slot> slots;
};

Slot slot_of(c10::TypePtr type) {
  if (type->kind() == TypeKind::OptionalType) type = type->expectRef<c10::OptionalType>().getElementType();
  Slot slot{type->kind(), TypeKind::AnyType, false};
  if (slot.kind == TypeKind::ListType) {
    auto element = type->expectRef<c10::ListType>().getElementType();
    if (element->kind() == TypeKind::OptionalType) {
      slot.optional_element = true;
      element = element->expectRef<c10::OptionalType>().getElementType();
    }
    slot.element = element->kind();
  }
  return slot;
}

template <class T, class F> c10::IValue list_of(int n, F at) {
  c10::List<T> list;
  list.reserve(n);
  for (int k = 0; k < n; ++k) list.push_back(at(k));
  return list;
}

c10::IValue to_ivalue(const ts_value& v, const Slot& slot) {
  const auto* ints = static_cast<const int64_t*>(v.p);
  const auto* doubles = static_cast<const double*>(v.p);
  const bool wants_list = slot.kind == TypeKind::ListType;
  switch (v.tag) {
    case TS_NONE: return c10::IValue();
    case TS_TENSOR: return ts_borrow(v.p);
    case TS_INT:
      if (wants_list) return slot.element == TypeKind::FloatType ? c10::IValue(c10::List<double>({(double)v.i})) : c10::IValue(c10::List<int64_t>({v.i}));
      if (slot.kind == TypeKind::FloatType) return (double)v.i;
      if (slot.kind == TypeKind::BoolType) return v.i != 0;
      return v.i;
    case TS_DOUBLE:
      if (wants_list) return c10::List<double>({v.d});
      TORCH_CHECK(slot.kind != TypeKind::IntType, "expected an integer but got ", v.d);
      return v.d;
    case TS_BOOL: return v.i != 0;
    case TS_INTS:
      if (slot.element == TypeKind::FloatType) return list_of<double>(v.n, [&](int k) { return (double)ints[k]; });
      return list_of<int64_t>(v.n, [&](int k) { return ints[k]; });
    case TS_DOUBLES: return list_of<double>(v.n, [&](int k) { return doubles[k]; });
    case TS_BOOLS: return list_of<bool>(v.n, [&](int k) { return ints[k] != 0; });
    case TS_TENSORS: {
      auto* const* tensors = static_cast<void* const*>(v.p);
      if (slot.optional_element)
        return list_of<c10::optional<at::Tensor>>(v.n, [&](int k) { return tensors[k] ? c10::optional<at::Tensor>(ts_borrow(tensors[k])) : c10::nullopt; });
      return list_of<at::Tensor>(v.n, [&](int k) { return ts_borrow(tensors[k]); });
    }
    case TS_GENERATOR:
      return at::Generator(c10::intrusive_ptr<c10::GeneratorImpl>::reclaim_copy(static_cast<c10::GeneratorImpl*>(v.p)));
    case TS_STRING: return std::string(static_cast<const char*>(v.p), v.n);
    case TS_DEVICE: return ts_device(v.i);
    case TS_COMPLEX: return c10::IValue(c10::complex<double>(doubles[0], doubles[1]));
  }
  TORCH_CHECK(false, "unknown argument tag ", v.tag);
}

void to_result(c10::IValue&& value, ts_value& out) {
  out = {};
  if (value.isTensor()) {
    out.tag = TS_TENSOR;
    out.p = ts_release(std::move(value).toTensor());
  } else if (value.isInt()) {
    out.tag = TS_INT;
    out.i = value.toInt();
  } else if (value.isBool()) {
    out.tag = TS_BOOL;
    out.i = value.toBool();
  } else if (value.isDouble()) {
    out.tag = TS_DOUBLE;
    out.d = value.toDouble();
  } else if (value.isTensorList()) {
    auto list = value.toTensorVector();
    out.tag = TS_TENSORS;
    out.n = (int32_t)list.size();
    auto** handles = static_cast<void**>(std::malloc(sizeof(void*) * (list.size() + 1)));
    for (size_t k = 0; k < list.size(); ++k) handles[k] = ts_release(std::move(list[k]));
    out.p = handles;
  }
}

}  // namespace

// A null result without an error means that this LibTorch has no such operator.
TS_API void* ts_open(const char* name, const char* overload) {
  void* result = nullptr;
  ts_guard([&] {
    auto found = c10::Dispatcher::singleton().findSchema({name, overload});
    if (!found.has_value()) return;
    auto* op = new Operator{*found, {}};
    for (const auto& argument : found->schema().arguments()) op->slots.push_back(slot_of(argument.type()));
    result = op;
  });
  return result;
}

// Arguments left out at the end take the defaults of the schema. Results that are not asked for are dropped.
TS_API int ts_call(void* opened, const ts_value* args, int nargs, ts_value* results, int nresults) {
  return ts_guard([&] {
    auto* op = static_cast<Operator*>(opened);
    const size_t expected = op->slots.size();
    TORCH_CHECK((size_t)nargs <= expected, "too many arguments: ", nargs, " given, ", expected, " expected");
    Stack stack;
    stack.reserve(expected + 2);
    for (int k = 0; k < nargs; ++k) stack.emplace_back(to_ivalue(args[k], op->slots[k]));
    for (size_t k = nargs; k < expected; ++k) {
      const auto& preset = op->handle.schema().arguments()[k].default_value();
      TORCH_CHECK(preset.has_value(), "argument '", op->handle.schema().arguments()[k].name(), "' is missing");
      stack.emplace_back(*preset);
    }
    op->handle.callBoxed(&stack);
    TORCH_CHECK((size_t)nresults <= stack.size(), "the operator returns ", stack.size(), " values, not ", nresults);
    for (int k = 0; k < nresults; ++k) to_result(std::move(stack[k]), results[k]);
  });
}

TS_API void ts_free_array(void* array) { std::free(array); }
