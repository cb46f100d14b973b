using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp.Interop;

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
