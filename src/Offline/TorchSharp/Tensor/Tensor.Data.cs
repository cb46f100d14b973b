using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    // Values in and out of managed memory.
    public unsafe partial class Tensor
    {
        internal void* DataPointer()
        {
            void* data;
            NativeMethods.Check(NativeMethods.ts_data_ptr(Handle, &data));
            GC.KeepAlive(this);
            return data;
        }

        /// <summary>The raw memory of a contiguous CPU tensor. It is valid while the tensor is.</summary>
        public Span<byte> bytes
        {
            get
            {
                CheckMemory();
                var count = numel() * ElementSize;
                if (count > int.MaxValue) throw new InvalidOperationException($"The tensor holds {count} bytes, more than a span can.");
                return new Span<byte>(DataPointer(), (int)count);
            }
            set
            {
                var target = bytes;
                if (value.Length != target.Length) throw new ArgumentException($"The tensor holds {target.Length} bytes, not {value.Length}.", nameof(value));
                value.CopyTo(target);
            }
        }

        private void CheckMemory()
        {
            if (device_type != DeviceType.CPU) throw new InvalidOperationException($"The tensor is on {device}; its memory can be read on the CPU only: call cpu() first.");
            if (!is_contiguous()) throw new InvalidOperationException("The tensor is not contiguous in memory: call contiguous() first.");
        }

        /// <summary>The elements, in the order of the indices, without a copy. The type must match the tensor's.</summary>
        public Utils.TensorAccessor<T> data<T>() where T : struct
        {
            CheckType(typeof(T));
            return new Utils.TensorAccessor<T>(this);
        }

        public T item<T>() where T : struct
        {
            if (numel() != 1) throw new ArgumentException($"item needs a tensor of one element; this one has {numel()} ({string.Join("x", shape)}).");
            CheckType(typeof(T));
            if (device_type != DeviceType.CPU || is_conj() || is_neg())
            {
                using var here = Aten.resolve_conj.Call(this);
                using var local = here.cpu();
                return Unsafe.Read<T>(local.DataPointer());
            }
            var result = Unsafe.Read<T>(DataPointer());
            GC.KeepAlive(this);
            return result;
        }

        public T ReadCpuValue<T>(long i) where T : struct => data<T>()[i];

        private void CheckType(Type type)
        {
            if (torch.ManagedType(dtype) == type || (type == typeof(ValueTuple<float, float>) && dtype == ScalarType.ComplexFloat32)) return;
            throw new ArgumentException($"The tensor holds {dtype}, which cannot be read as {type.Name}.");
        }

        public Scalar ToScalar()
        {
            if (numel() != 1) throw new ArgumentException($"A scalar needs a tensor of one element; this one has {numel()} ({string.Join("x", shape)}).");
            NativeValue value;
            NativeMethods.Check(NativeMethods.ts_item(Handle, &value));
            GC.KeepAlive(this);
            return (Tag)value.Tag switch
            {
                Tag.Bool => value.Bits != 0,
                Tag.Int => value.Bits,
                _ => value.Double,
            };
        }

        /// <summary>Nested lists of numbers, or one number for a tensor without dimensions.</summary>
        public object tolist()
        {
            if (ndim == 0) return ToScalar();
            var list = new System.Collections.ArrayList();
            foreach (var row in unbind())
                using (row) list.Add(row.tolist());
            return list;
        }

        public void WriteBytesToStream(Stream stream, int bufferSize = 1024)
        {
            using var local = Here();
            var total = local.numel() * local.ElementSize;
            var start = (byte*)local.DataPointer();
            for (long at = 0; at < total;)
            {
                var length = (int)Math.Min(total - at, Math.Max(bufferSize, 1 << 20));
                stream.Write(new ReadOnlySpan<byte>(start + at, length));
                at += length;
            }
        }

        public void ReadBytesFromStream(Stream stream, int bufferSize = 1024)
        {
            CheckMemory();
            var total = numel() * ElementSize;
            var start = (byte*)DataPointer();
            for (long at = 0; at < total;)
            {
                var length = (int)Math.Min(total - at, Math.Max(bufferSize, 1 << 20));
                stream.ReadExactly(new Span<byte>(start + at, length));
                at += length;
            }
            GC.KeepAlive(this);
        }

        // A contiguous copy, or a second handle, on the CPU.
        private Tensor Here()
        {
            using var detached = detach();
            using var local = detached.cpu();
            return local.contiguous();
        }

        internal Tensor Receive(Tensor value)
        {
            using (value)
            using (no_grad())
            {
                if (!shape.AsSpan().SequenceEqual(value.shape)) Aten.resize_.InPlace(this, value.shape);
                return copy_(value);
            }
        }
    }
}

public static class TensorExtensionMethods
{
    public static bool ToBoolean(this torch.Tensor value) => value.ToScalar().ToBoolean();
    public static byte ToByte(this torch.Tensor value) => value.ToScalar().ToByte();
    public static sbyte ToSByte(this torch.Tensor value) => value.ToScalar().ToSByte();
    public static short ToInt16(this torch.Tensor value) => value.ToScalar().ToInt16();
    public static int ToInt32(this torch.Tensor value) => value.ToScalar().ToInt32();
    public static long ToInt64(this torch.Tensor value) => value.ToScalar().ToInt64();
    public static float ToSingle(this torch.Tensor value) => value.ToScalar().ToSingle();
    public static double ToDouble(this torch.Tensor value) => value.ToScalar().ToDouble();
    public static Half ToHalf(this torch.Tensor value) => value.ToScalar().ToHalf();

    public static Modules.Parameter AsParameter(this torch.Tensor tensor) => tensor as Modules.Parameter ?? new Modules.Parameter(tensor);

    public static long TotalSize(this IEnumerable<long> shape) => shape.Aggregate(1L, (a, b) => a * b);

    public static int ElementSize(this torch.ScalarType type) => type switch
    {
        torch.ScalarType.Byte or torch.ScalarType.Int8 or torch.ScalarType.Bool or torch.ScalarType.QInt8 or torch.ScalarType.QUInt8 => 1,
        torch.ScalarType.Int16 or torch.ScalarType.Float16 or torch.ScalarType.BFloat16 => 2,
        torch.ScalarType.Int32 or torch.ScalarType.Float32 or torch.ScalarType.QInt32 => 4,
        torch.ScalarType.Int64 or torch.ScalarType.Float64 or torch.ScalarType.ComplexFloat32 => 8,
        torch.ScalarType.ComplexFloat64 => 16,
        _ => throw new NotSupportedException($"{type} is not a known element type."),
    };

    public static string str(this torch.Tensor tensor, string fltFormat = null, int? width = null, string newLine = null, System.Globalization.CultureInfo cultureInfo = null, TensorStringStyle style = TensorStringStyle.Default) =>
        tensor.ToString(style, fltFormat, width, cultureInfo, newLine);

    public static string metastr(this torch.Tensor tensor) => tensor.ToString(TensorStringStyle.Metadata);

    public static torch.Tensor ToTensor<T>(this T[] rawArray, long[] dimensions, bool doCopy = false, bool requires_grad = false)
    {
        var tensor = torch.from_array(rawArray, null, null, false).reshape(dimensions);
        return requires_grad ? tensor.requires_grad_() : tensor;
    }

    public static torch.Tensor ToTensor<T>(this T scalar, torch.Device device = null, bool requires_grad = false) where T : struct
    {
        var tensor = torch.from_array(new[] { scalar }, null, device, false).reshape();
        return requires_grad ? tensor.requires_grad_() : tensor;
    }
}
