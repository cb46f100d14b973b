using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp.Interop;

namespace TorchSharp;

// How new tensors are made.
public static unsafe partial class torch
{
    private static ScalarType defaultType = ScalarType.Float32;

    public static ScalarType get_default_dtype() => defaultType;

    public static void set_default_dtype(ScalarType dtype)
    {
        if (!is_floating_point(dtype)) throw new ArgumentException($"{dtype} cannot be the default type; only floating-point types can.", nameof(dtype));
        defaultType = dtype;
    }

    private static Tensor Finish(Tensor tensor, bool requiresGrad) => requiresGrad ? tensor.requires_grad_() : tensor;

    private static Tensor MadeZeros(long[] size, ScalarType? dtype, Device device, bool requiresGrad) => Finish(Aten.zeros.Call(size, dtype ?? defaultType, Arg.None, device), requiresGrad);
    private static Tensor MadeOnes(long[] size, ScalarType? dtype, Device device, bool requiresGrad) => Finish(Aten.ones.Call(size, dtype ?? defaultType, Arg.None, device), requiresGrad);
    private static Tensor MadeEmpty(long[] size, ScalarType? dtype, Device device, bool requiresGrad) => Finish(Aten.empty_memory_format.Call(size, dtype ?? defaultType, Arg.None, device), requiresGrad);
    private static Tensor MadeFull(long[] size, Scalar value, ScalarType? dtype, Device device, bool requiresGrad) => Finish(Aten.full.Call(size, value, dtype ?? Natural(value), Arg.None, device), requiresGrad);
    private static Tensor MadeRand(long[] size, ScalarType? dtype, Device device, bool requiresGrad, Generator generator) => Finish(Aten.rand_generator.Call(size, generator, dtype ?? defaultType, Arg.None, device ?? generator?.device), requiresGrad);
    private static Tensor MadeRandn(long[] size, ScalarType? dtype, Device device, bool requiresGrad, Generator generator) => Finish(Aten.randn_generator.Call(size, generator, dtype ?? defaultType, Arg.None, device ?? generator?.device), requiresGrad);

    // The type that LibTorch gives to full and arange when none is asked for.
    private static ScalarType Natural(Scalar value) => value.Type switch
    {
        ScalarType.Bool => ScalarType.Bool,
        ScalarType.Float16 or ScalarType.Float32 or ScalarType.Float64 => defaultType,
        ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64 => ScalarType.ComplexFloat32,
        _ => ScalarType.Int64,
    };

    private static Tensor Create<T>(ReadOnlySpan<T> values, ReadOnlySpan<long> size, ScalarType? dtype, Device device, bool requiresGrad) where T : unmanaged
    {
        long count = 1;
        foreach (var s in size) count *= s;
        if (count != values.Length) throw new ArgumentException($"{values.Length} values do not fill a tensor of shape ({string.Join(", ", size.ToArray())}).");
        var type = TypeOf(typeof(T));
        var tensor = Aten.empty_memory_format.Call(size, type);
        values.CopyTo(new Span<T>(tensor.DataPointer(), values.Length));
        if ((dtype is not null && dtype != type) || (device is not null && device.type != DeviceType.CPU)) tensor = tensor.to(dtype ?? type, device ?? CPU, disposeAfter: true);
        return Finish(tensor, requiresGrad);
    }

    private static ReadOnlySpan<T> Values<T>(IList<T> list) => list switch
    {
        T[] array => array,
        List<T> other => CollectionsMarshal.AsSpan(other),
        _ => list.ToArray(),
    };

    public static Tensor from_array(Array rawArray, Device device = null) => from_array(rawArray, null, device);

    public static Tensor from_array(Array rawArray, ScalarType? dtype, Device device = null, bool requires_grad = false, string[] names = null)
    {
        var element = rawArray.GetType().GetElementType();
        if (element.IsArray) throw new ArgumentException("An array of arrays has no shape; use a rectangular array.", nameof(rawArray));
        var type = TypeOf(element);
        var size = Enumerable.Range(0, rawArray.Rank).Select(rawArray.GetLongLength).ToArray();
        var tensor = Aten.empty_memory_format.Call(size, type);
        var length = (nuint)(rawArray.LongLength * type.ElementSize());
        fixed (byte* from = &MemoryMarshal.GetArrayDataReference(rawArray)) NativeMemory.Copy(from, tensor.DataPointer(), length);
        if ((dtype is not null && dtype != type) || (device is not null && device.type != DeviceType.CPU)) tensor = tensor.to(dtype ?? type, device ?? CPU, disposeAfter: true);
        return Finish(tensor, requires_grad);
    }

    /// <summary>A tensor of the array's values from an element offset on, copied.</summary>
    public static Tensor frombuffer(Array rawArray, ScalarType dtype, long count = -1, long offset = 0, bool requires_grad = false)
    {
        using var all = from_array(rawArray);
        using var flat = all.flatten();
        using var part = flat.narrow(0, offset, count < 0 ? flat.numel() - offset : count);
        return Finish(part.to(dtype, copy: true), requires_grad);
    }

    public static Tensor zeros_like(Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => Finish(Aten.zeros_like.Call(input, dtype, Arg.None, device), requires_grad);
    public static Tensor ones_like(Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => Finish(Aten.ones_like.Call(input, dtype, Arg.None, device), requires_grad);
    public static Tensor empty_like(Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => Finish(Aten.empty_like.Call(input, dtype, Arg.None, device), requires_grad);
    public static Tensor full_like(Tensor input, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => Finish(Aten.full_like.Call(input, value, dtype, Arg.None, device), requires_grad);
    public static Tensor rand_like(Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => Finish(Aten.rand_like.Call(input, dtype, Arg.None, device), requires_grad);
    public static Tensor randn_like(Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => Finish(Aten.randn_like.Call(input, dtype, Arg.None, device), requires_grad);
    public static Tensor randint_like(Tensor input, long low, long high, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => Finish(Aten.randint_like_low_dtype.Call(input, low, high, dtype, Arg.None, device), requires_grad);

    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => arange(0, stop, 1, dtype, device, requires_grad);
    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => arange(start, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device device = null, bool requires_grad = false)
    {
        var whole = is_integral(start.Type) && is_integral(stop.Type) && is_integral(step.Type);
        return Finish(Aten.arange_start_step.Call(start, stop, step, dtype ?? (whole ? ScalarType.Int64 : defaultType), Arg.None, device), requires_grad);
    }

    public static Tensor linspace(double start, double end, long steps, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => Finish(Aten.linspace.Call(start, end, steps, dtype ?? defaultType, Arg.None, device), requires_grad);
    public static Tensor logspace(double start, double end, long steps, double @base = 10, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => Finish(Aten.logspace.Call(start, end, steps, @base, dtype ?? defaultType, Arg.None, device), requires_grad);

    public static Tensor eye(long rows, long columns = -1, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Finish(Aten.eye_m.Call(rows, columns < 0 ? rows : columns, dtype ?? defaultType, Arg.None, device), requires_grad);

    public static Tensor randint(long high, long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randint(0, high, size, dtype, device, requires_grad, generator, names);
    public static Tensor randint(long low, long high, long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Finish(Aten.randint_low_generator.Call(low, high, size, generator, dtype ?? ScalarType.Int64, Arg.None, device ?? generator?.device), requires_grad);
    public static Tensor randint(long high, Size size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randint(0, high, size.Shape, dtype, device, requires_grad, generator, names);
    public static Tensor randint(long low, long high, Size size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randint(low, high, size.Shape, dtype, device, requires_grad, generator, names);
    public static Tensor randint(int high, int[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randint(0, high, Long(size), dtype, device, requires_grad, generator, names);
    public static Tensor randint(int low, int high, int[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randint(low, high, Long(size), dtype, device, requires_grad, generator, names);

    public static Tensor randperm(long n, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null) =>
        Finish(Aten.randperm_generator.Call(n, generator, dtype ?? ScalarType.Int64, Arg.None, device ?? generator?.device), requires_grad);

    public static Tensor normal(Tensor mean, Tensor std, Generator generator = null) => Aten.normal_Tensor_Tensor.Call(mean, std, generator);

    public static Tensor normal(double mean, double std, ReadOnlySpan<long> size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Finish(MadeEmpty(size.ToArray(), dtype, device ?? generator?.device, false).normal_(mean, std, generator), requires_grad);

    public static Tensor empty_strided(long[] size, long[] strides, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => Finish(Aten.empty_strided.Call(size, strides, dtype ?? defaultType, Arg.None, device), requires_grad);

    private static long[] Long(int[] values) => Array.ConvertAll(values, v => (long)v);
}
