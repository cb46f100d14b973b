// Generators, threads and devices.
#include "shim.h"
#include "guard.h"
#include <c10/util/Logging.h>
#include <functional>
#include <string>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/version.h>
#include <dlfcn.h>
#include <mutex>

static at::Generator generator_of(void* handle) {
  return at::Generator(c10::intrusive_ptr<c10::GeneratorImpl>::reclaim_copy(static_cast<c10::GeneratorImpl*>(handle)));
}

// CUDA kernels register themselves when their library is loaded; a CPU-only LibTorch has no such file. An error's native
// stack is shown to nobody, and looking its symbols up takes milliseconds.
TS_API void ts_initialise() {
  static std::once_flag once;
  std::call_once(once, [] {
    dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
    c10::SetStackTraceFetcher(std::function<std::string()>([] { return std::string(); }));
  });
}

TS_API const char* ts_version() { return TORCH_VERSION; }

TS_API int ts_generator_new(int64_t device, uint64_t seed, void** generator) {
  return ts_guard([&] {
    auto where = ts_device(device);
    at::Generator g = where.is_cpu() ? at::make_generator<at::CPUGeneratorImpl>(seed) : at::globalContext().defaultGenerator(where).clone();
    {
      std::lock_guard<std::mutex> lock(g.mutex());
      g.set_current_seed(seed);
    }
    *generator = g.unsafeReleaseGeneratorImpl();
  });
}

TS_API int ts_generator_default(int64_t device, void** generator) {
  return ts_guard([&] {
    at::Generator g = at::globalContext().defaultGenerator(ts_device(device));
    *generator = g.unsafeReleaseGeneratorImpl();
  });
}

TS_API void ts_generator_free(void* generator) {
  ts_guard([&] { c10::intrusive_ptr<c10::GeneratorImpl>::reclaim(static_cast<c10::GeneratorImpl*>(generator)); });
}

TS_API int ts_generator_seed(void* generator, uint64_t* seed) {
  return ts_guard([&] {
    auto g = generator_of(generator);
    std::lock_guard<std::mutex> lock(g.mutex());
    *seed = g.current_seed();
  });
}

TS_API int ts_generator_set_seed(void* generator, uint64_t seed) {
  return ts_guard([&] {
    auto g = generator_of(generator);
    std::lock_guard<std::mutex> lock(g.mutex());
    g.set_current_seed(seed);
  });
}

TS_API int ts_generator_state(void* generator, void** state) {
  return ts_guard([&] {
    auto g = generator_of(generator);
    std::lock_guard<std::mutex> lock(g.mutex());
    *state = ts_release(g.get_state());
  });
}

TS_API int ts_generator_set_state(void* generator, void* state) {
  return ts_guard([&] {
    auto g = generator_of(generator);
    std::lock_guard<std::mutex> lock(g.mutex());
    g.set_state(ts_borrow(state));
  });
}

TS_API int ts_manual_seed(uint64_t seed) { return ts_guard([&] { at::manual_seed(seed); }); }

TS_API int ts_get_num_threads() { return at::get_num_threads(); }

// LibTorch sets the threads of its own kernels and of MKL; OpenBLAS keeps a pool of its own, which has to follow.
TS_API int ts_set_num_threads(int n) {
  return ts_guard([&] {
    at::set_num_threads(n);
    if (void* blas = dlopen("libopenblas.so.0", RTLD_LAZY | RTLD_NOLOAD)) {
      if (auto set = reinterpret_cast<void (*)(int)>(dlsym(blas, "openblas_set_num_threads"))) set(n);
      dlclose(blas);
    }
  });
}

TS_API int ts_get_num_interop_threads() { return at::get_num_interop_threads(); }
TS_API int ts_set_num_interop_threads(int n) { return ts_guard([&] { at::set_num_interop_threads(n); }); }

TS_API int ts_cuda_device_count() {
  int count = 0;
  ts_guard([&] {
    ts_initialise();
    if (c10::impl::hasDeviceGuardImpl(c10::DeviceType::CUDA)) count = c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).deviceCount();
  });
  return count;
}

TS_API int ts_cuda_synchronize(int64_t index) {
  return ts_guard([&] { at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(index)); });
}
