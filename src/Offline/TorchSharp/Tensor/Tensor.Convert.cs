using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    // Moving between types and devices.
    public partial class Tensor
    {
        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Converted(type, null, copy, disposeAfter, non_blocking);

        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Converted(type, null, copy, disposeAfter, non_blocking);

        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Converted(null, device, copy, disposeAfter, non_blocking);

        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Converted(type, device, copy, disposeAfter, non_blocking);

        public Tensor to(DeviceType deviceType, int deviceIndex = -1, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Converted(null, new Device(deviceType, deviceIndex), copy, disposeAfter, non_blocking);

        public Tensor to(string device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Converted(null, new Device(device), copy, disposeAfter, non_blocking);

        public Tensor to(Tensor other, bool non_blocking = false) => Converted(other.dtype, other.device, false, false, non_blocking);

        // The same object comes back when there is nothing to do, as in the official package.
        private Tensor Converted(ScalarType? type, Device device, bool copy, bool disposeAfter, bool nonBlocking)
        {
            if (!copy && (type is null || type == dtype) && (device is null || device.Same(this.device))) return this;
            var result = device is null
                ? Aten.to_dtype.Call(this, type, nonBlocking, copy)
                : Aten.to_device.Call(this, device, type ?? dtype, nonBlocking, copy);
            if (disposeAfter) Dispose();
            return result;
        }

        public Tensor cpu() => to(CPU);
        public Tensor cuda(Device device = null, bool non_blocking = false) => to(device ?? CUDA, non_blocking: non_blocking);
        public Tensor type(ScalarType dtype) => to_type(dtype);
        public Tensor type(Func<Tensor, Tensor> typeFunc) => typeFunc(this);
        public Tensor type_as(Tensor tensor) => to(tensor);
        public Tensor @bool() => to_type(ScalarType.Bool);
        public Tensor @byte() => to_type(ScalarType.Byte);
        public Tensor @char() => to_type(ScalarType.Int8);
        public Tensor @short() => to_type(ScalarType.Int16);
        public Tensor @int() => to_type(ScalarType.Int32);
        public Tensor @long() => to_type(ScalarType.Int64);
        public Tensor half() => to_type(ScalarType.Float16);
        public Tensor bfloat16() => to_type(ScalarType.BFloat16);
        public Tensor @float() => to_type(ScalarType.Float32);
        public Tensor @double() => to_type(ScalarType.Float64);
        public Tensor cfloat() => to_type(ScalarType.ComplexFloat32);
        public Tensor cdouble() => to_type(ScalarType.ComplexFloat64);

        private Tensor Unflatten(long dim, long[] sizes)
        {
            var axis = Axis((int)dim);
            var known = sizes.Where(s => s >= 0).Aggregate(1L, (a, b) => a * b);
            if (sizes.Count(s => s < 0) > 1 || (sizes.All(s => s >= 0) && known != shape[axis]) || (sizes.Any(s => s < 0) && (known == 0 || shape[axis] % known != 0)))
                throw new ArgumentException($"Dimension {dim} of length {shape[axis]} cannot become ({string.Join(", ", sizes)}).", nameof(sizes));
            var filled = sizes.Select(s => s < 0 ? shape[axis] / known : s);
            return Aten.view.Call(this, shape.Take(axis).Concat(filled).Concat(shape.Skip(axis + 1)).ToArray());
        }

        private static (Tensor, Tensor, Tensor) Unique((Tensor, Tensor, Tensor) found, bool inverse, bool counts)
        {
            if (!inverse) found.Item2.Dispose();
            if (!counts) found.Item3.Dispose();
            return (found.Item1, inverse ? found.Item2 : null, counts ? found.Item3 : null);
        }

        internal Tensor Touched() => Changed();
    }

    internal static Type ManagedType(ScalarType type) => type switch
    {
        ScalarType.Byte => typeof(byte),
        ScalarType.Int8 => typeof(sbyte),
        ScalarType.Int16 => typeof(short),
        ScalarType.Int32 => typeof(int),
        ScalarType.Int64 => typeof(long),
        ScalarType.Float16 => typeof(Half),
        ScalarType.BFloat16 => typeof(BFloat16),
        ScalarType.Float32 => typeof(float),
        ScalarType.Float64 => typeof(double),
        ScalarType.Bool => typeof(bool),
        ScalarType.ComplexFloat64 => typeof(System.Numerics.Complex),
        _ => null,
    };

    internal static ScalarType TypeOf(Type type) =>
        type == typeof(byte) ? ScalarType.Byte
        : type == typeof(sbyte) ? ScalarType.Int8
        : type == typeof(short) ? ScalarType.Int16
        : type == typeof(int) ? ScalarType.Int32
        : type == typeof(long) ? ScalarType.Int64
        : type == typeof(BFloat16) ? ScalarType.BFloat16
        : type == typeof(Half) ? ScalarType.Float16
        : type == typeof(float) ? ScalarType.Float32
        : type == typeof(double) ? ScalarType.Float64
        : type == typeof(bool) ? ScalarType.Bool
        : type == typeof(System.Numerics.Complex) ? ScalarType.ComplexFloat64
        : type == typeof((float, float)) ? ScalarType.ComplexFloat32
        : throw new NotSupportedException($"There are no tensors of {type.Name}.");

    public static bool is_floating_point(ScalarType type) => type is ScalarType.Float16 or ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16;
    public static bool is_complex(ScalarType type) => type is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64;
    public static bool is_integral(ScalarType type) => type is ScalarType.Byte or ScalarType.Int8 or ScalarType.Int16 or ScalarType.Int32 or ScalarType.Int64 or ScalarType.Bool;
}
