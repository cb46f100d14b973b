using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharp.Interop;

/// <summary>One argument or result as the shim sees it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeValue
{
    public int Tag;
    public int Count;
    public long Bits;

    public readonly double Double => BitConverter.Int64BitsToDouble(Bits);
}

[StructLayout(LayoutKind.Sequential)]
internal struct TensorInfo
{
    public int DType, DeviceType, DeviceIndex, Dimensions;
    public long Count, ElementSize;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CudaInfo
{
    public fixed byte Name[256];
    public int Major, Minor, Multiprocessors, Reserved;
    public long Total, Free;
}

internal enum Tag { None, Tensor, Int, Double, Bool, Ints, Doubles, Bools, Tensors, Generator, String, Device, Complex }

internal enum TensorFlag { Contiguous, RequiresGrad, Leaf, Sparse, Conjugate, Negative, Quantized, Pinned }

internal static unsafe partial class NativeMethods
{
    private const string Shim = "torchsharp_shim";

    private const string Packages = "apt-get install libtorch1.13 libopenblas0-pthread";

    // Not in a static constructor: what that throws arrives wrapped in an exception that says nothing.
#pragma warning disable CA2255 // The assembly is useless without its native half, so it alone decides where that is looked for.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void UseResolver() => NativeLibrary.SetDllImportResolver(typeof(NativeMethods).Assembly, Resolve);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Shim) return 0;
        var file = Path.Combine(AppContext.BaseDirectory, "lib" + Shim + ".so");
        var found = File.Exists(file);
        ThreadWaiting.Shorten();
        try
        {
            var library = found ? NativeLibrary.Load(file) : NativeLibrary.Load("lib" + Shim + ".so", assembly, path);
            ((delegate* unmanaged<void>)NativeLibrary.GetExport(library, "ts_initialise"))();
            return library;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            throw new DllNotFoundException(found
                ? $"{file} does not load: LibTorch is missing, or is not the version that the program was built against. Install it with '{Packages}', or build again with LIBTORCH_DIR set to another LibTorch. {e.Message}"
                : $"{file} is missing, the native half of TorchSharp. Build the program again; that needs 'apt-get install g++ libtorch-dev libopenblas0-pthread', and running it '{Packages}'. {e.Message}", e);
        }
    }

    [LibraryImport(Shim)] internal static partial nint ts_version();
    [LibraryImport(Shim), SuppressGCTransition] internal static partial nint ts_last_error();
    [LibraryImport(Shim, StringMarshalling = StringMarshalling.Utf8)] internal static partial nint ts_open(string name, string overload);
    [LibraryImport(Shim)] internal static partial int ts_call(nint op, NativeValue* args, int nargs, NativeValue* results, int nresults);
    [LibraryImport(Shim)] internal static partial void ts_free_array(nint array);

    [LibraryImport(Shim)] internal static partial void ts_free(nint tensor);
    [LibraryImport(Shim), SuppressGCTransition] internal static partial int ts_info_of(nint tensor, TensorInfo* info);
    [LibraryImport(Shim), SuppressGCTransition] internal static partial int ts_sizes(nint tensor, long* sizes);
    [LibraryImport(Shim), SuppressGCTransition] internal static partial int ts_strides(nint tensor, long* strides);
    [LibraryImport(Shim), SuppressGCTransition] internal static partial long ts_storage_offset(nint tensor);
    [LibraryImport(Shim)] internal static partial int ts_data_ptr(nint tensor, void** data);
    [LibraryImport(Shim)] internal static partial int ts_get_flag(nint tensor, TensorFlag flag);
    [LibraryImport(Shim)] internal static partial int ts_set_requires_grad(nint tensor, int on);
    [LibraryImport(Shim)] internal static partial int ts_retain_grad(nint tensor);
    [LibraryImport(Shim)] internal static partial int ts_grad(nint tensor, nint* grad);
    [LibraryImport(Shim)] internal static partial int ts_set_grad(nint tensor, nint grad);
    [LibraryImport(Shim)] internal static partial int ts_set_data(nint tensor, nint data);
    [LibraryImport(Shim)] internal static partial int ts_item(nint tensor, NativeValue* value);
    [LibraryImport(Shim), SuppressGCTransition] internal static partial int ts_grad_enabled();
    [LibraryImport(Shim), SuppressGCTransition] internal static partial void ts_set_grad_enabled(int on);
    [LibraryImport(Shim)] internal static partial int ts_backward(nint* tensors, int n, nint* gradients, int ngradients, int retain, int create, nint* inputs, int ninputs);
    [LibraryImport(Shim)] internal static partial int ts_autograd_grad(nint* outputs, int n, nint* inputs, int ninputs, nint* gradients, int ngradients, int retain, int create, int allowUnused, nint* results);

    [LibraryImport(Shim)] internal static partial int ts_generator_new(long device, ulong seed, nint* generator);
    [LibraryImport(Shim)] internal static partial int ts_generator_default(long device, nint* generator);
    [LibraryImport(Shim)] internal static partial void ts_generator_free(nint generator);
    [LibraryImport(Shim)] internal static partial int ts_generator_seed(nint generator, ulong* seed);
    [LibraryImport(Shim)] internal static partial int ts_generator_set_seed(nint generator, ulong seed);
    [LibraryImport(Shim)] internal static partial int ts_generator_state(nint generator, nint* state);
    [LibraryImport(Shim)] internal static partial int ts_generator_set_state(nint generator, nint state);
    [LibraryImport(Shim)] internal static partial int ts_manual_seed(ulong seed);
    [LibraryImport(Shim)] internal static partial int ts_get_num_threads();
    [LibraryImport(Shim)] internal static partial int ts_set_num_threads(int n);
    [LibraryImport(Shim)] internal static partial int ts_get_num_interop_threads();
    [LibraryImport(Shim)] internal static partial int ts_set_num_interop_threads(int n);
    [LibraryImport(Shim)] internal static partial int ts_cuda_device_count();
    [LibraryImport(Shim)] internal static partial int ts_cuda_synchronize(long index);
    [LibraryImport(Shim)] internal static partial int ts_cuda_device_info(int index, CudaInfo* info);
    [LibraryImport(Shim)] internal static partial int ts_cudnn_available();

    internal static string LastError() => Marshal.PtrToStringUTF8(ts_last_error());

    /// <summary>Throws what the shim reported.</summary>
    internal static void Check(int error)
    {
        if (error != 0) throw new ExternalException(LastError());
    }
}
