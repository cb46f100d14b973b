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
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <mutex>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

static at::Generator generator_of(void* handle) {
  return at::Generator(c10::intrusive_ptr<c10::GeneratorImpl>::reclaim_copy(static_cast<c10::GeneratorImpl*>(handle)));
}

// By default glibc gives memory back to the system as soon as a few tensors are freed, and the next step of a model pays a page
// fault for every 4 KB of it: a quarter of a training step of a small network. What is kept is bounded. What the user has set stays.
static void keep_freed_memory() {
#if defined(__GLIBC__)
  const char* tunables = std::getenv("GLIBC_TUNABLES");
  bool chosen = std::getenv("MALLOC_TRIM_THRESHOLD_") || std::getenv("MALLOC_MMAP_THRESHOLD_") || (tunables && std::strstr(tunables, "malloc."));
  if (chosen) return;
  mallopt(M_MMAP_THRESHOLD, 128 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

// CUDA kernels register themselves when their library is loaded; a CPU-only LibTorch has no such file. An error's native
// stack is shown to nobody, and looking its symbols up takes milliseconds.
TS_API void ts_initialise() {
  static std::once_flag once;
  std::call_once(once, [] {
    keep_freed_memory();
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

TS_API int ts_cudnn_available() {
  int available = 0;
  ts_guard([&] { available = at::detail::getCUDAHooks().hasCuDNN(); });
  return available;
}

// Facts about a device from the CUDA driver, whose C interface is the same for every LibTorch; there are none of its headers here.
TS_API int ts_cuda_device_info(int index, ts_cuda_info* info) {
  return ts_guard([&] {
    void* driver = dlopen("libcuda.so.1", RTLD_NOW);
    TORCH_CHECK(driver, "the CUDA driver (libcuda.so.1) is not installed");
    auto find = [&](const char* name) {
      void* function = dlsym(driver, name);
      TORCH_CHECK(function, "the CUDA driver has no ", name);
      return function;
    };
    auto check = [](int result, const char* what) { TORCH_CHECK(result == 0, what, " failed with CUDA error ", result); };
    constexpr int major = 75, minor = 76, multiprocessors = 16; // CUdevice_attribute
    int device = 0;
    void* context = nullptr;
    void* popped = nullptr;
    size_t total = 0, free = 0;
    check(reinterpret_cast<int (*)(unsigned)>(find("cuInit"))(0), "cuInit");
    check(reinterpret_cast<int (*)(int*, int)>(find("cuDeviceGet"))(&device, index), "cuDeviceGet");
    *info = {};
    check(reinterpret_cast<int (*)(char*, int, int)>(find("cuDeviceGetName"))(info->name, sizeof info->name, device), "cuDeviceGetName");
    auto attribute = reinterpret_cast<int (*)(int*, int, int)>(find("cuDeviceGetAttribute"));
    check(attribute(&info->major, major, device), "cuDeviceGetAttribute");
    check(attribute(&info->minor, minor, device), "cuDeviceGetAttribute");
    check(attribute(&info->multiprocessors, multiprocessors, device), "cuDeviceGetAttribute");
    // The primary context is the one that LibTorch uses as well.
    check(reinterpret_cast<int (*)(void**, int)>(find("cuDevicePrimaryCtxRetain"))(&context, device), "cuDevicePrimaryCtxRetain");
    auto release = reinterpret_cast<int (*)(int)>(find("cuDevicePrimaryCtxRelease_v2"));
    int result = reinterpret_cast<int (*)(void*)>(find("cuCtxPushCurrent_v2"))(context);
    if (result == 0) {
      result = reinterpret_cast<int (*)(size_t*, size_t*)>(find("cuMemGetInfo_v2"))(&free, &total);
      reinterpret_cast<int (*)(void**)>(find("cuCtxPopCurrent_v2"))(&popped);
    }
    release(device);
    check(result, "cuMemGetInfo");
    info->total = (int64_t)total;
    info->free = (int64_t)free;
  });
}
