using System.Runtime.InteropServices;
using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// A LibTorch tensor. It is freed by <see cref="Dispose()"/>, by its <see cref="DisposeScope"/>, or at the latest by its finaliser.
    /// </summary>
    public unsafe partial class Tensor : IDisposable
    {
        private static long liveCount, peakCount;

        private nint handle;
        private long[] sizes;
        private TensorInfo info;
        private bool hasInfo;

        internal DisposeScope Scope;

        internal Tensor(nint handle)
        {
            this.handle = handle;
            var live = Interlocked.Increment(ref liveCount);
            if (live > peakCount) peakCount = live;
            DisposeScopeManager.Current?.AttachNew(this);
        }

        ~Tensor() => Dispose(false);

        public static long TotalCount => Interlocked.Read(ref liveCount);

        public static long PeakCount => Interlocked.Read(ref peakCount);

        /// <summary>The native pointer, which the tensor keeps owning.</summary>
        public nint Handle => handle != 0 ? handle : throw Disposed();

        public bool IsInvalid => handle == 0;

        internal static Tensor Wrap(nint handle) => handle == 0 ? null : new Tensor(handle);

        public static Tensor UnsafeCreateTensor(nint handle) => new(handle);

        /// <summary>Gives the native reference to the caller; the tensor is invalid afterwards.</summary>
        public nint DecoupleFromNativeHandle()
        {
            GC.SuppressFinalize(this);
            var old = Interlocked.Exchange(ref handle, 0);
            if (old == 0) throw Disposed();
            Interlocked.Decrement(ref liveCount);
            Scope?.MarkAsDisposed(this);
            return old;
        }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            var old = Interlocked.Exchange(ref handle, 0);
            if (old == 0) return;
            Interlocked.Decrement(ref liveCount);
            if (disposing) Scope?.MarkAsDisposed(this);
            NativeMethods.ts_free(old);
        }

        private static ObjectDisposedException Disposed() => new(nameof(Tensor), "The tensor was disposed, by itself, by its dispose scope or by its module.");

        private ref readonly TensorInfo Info
        {
            get
            {
                if (!hasInfo) ReadInfo();
                else if (handle == 0) throw Disposed();
                return ref info;
            }
        }

        private void ReadInfo()
        {
            fixed (TensorInfo* p = &info) NativeMethods.Check(NativeMethods.ts_info_of(Handle, p));
            hasInfo = true;
            GC.KeepAlive(this);
        }

        // In-place operators may change shape or type; what was read before is forgotten.
        private Tensor Changed()
        {
            hasInfo = false;
            sizes = null;
            return this;
        }

        public long dim() => Info.Dimensions;
        public long ndim => Info.Dimensions;
        public long Dimensions => Info.Dimensions;
        public long numel() => Info.Count;
        public long NumberOfElements => Info.Count;
        public long ElementSize => Info.ElementSize;
        public long element_size() => Info.ElementSize;
        public ScalarType dtype => (ScalarType)Info.DType;
        public DeviceType device_type => (DeviceType)Info.DeviceType;
        public int device_index => Info.DeviceIndex;

        public Device device
        {
            get
            {
                ref readonly var i = ref Info;
                return i.DeviceType == (int)DeviceType.CPU ? CPU : new Device((DeviceType)i.DeviceType, i.DeviceIndex);
            }
        }

        /// <summary>The lengths of the dimensions. The same array every time: do not write to it.</summary>
        public long[] shape
        {
            get
            {
                if (sizes is not null && handle != 0) return sizes;
                var result = new long[Info.Dimensions];
                fixed (long* p = result) NativeMethods.Check(NativeMethods.ts_sizes(Handle, p));
                GC.KeepAlive(this);
                return sizes = result;
            }
        }

        public long[] size() => shape;

        public long size(int dim) => shape[Axis(dim)];

        public long[] stride()
        {
            var result = new long[Info.Dimensions];
            fixed (long* p = result) NativeMethods.Check(NativeMethods.ts_strides(Handle, p));
            GC.KeepAlive(this);
            return result;
        }

        public long stride(int dim) => stride()[Axis(dim)];

        public long storage_offset()
        {
            var offset = NativeMethods.ts_storage_offset(Handle);
            GC.KeepAlive(this);
            return offset;
        }

        private int Axis(int dim)
        {
            var n = Info.Dimensions;
            if (dim < -n || dim >= n) throw new IndexOutOfRangeException($"Dimension {dim} is not in a tensor of {n} dimensions.");
            return dim < 0 ? dim + n : dim;
        }

        private bool Flag(TensorFlag flag)
        {
            var value = NativeMethods.ts_get_flag(Handle, flag);
            GC.KeepAlive(this);
            if (value < 0) throw new ExternalException(NativeMethods.LastError());
            return value != 0;
        }

        public bool is_contiguous() => Flag(TensorFlag.Contiguous);
        public bool is_leaf => Flag(TensorFlag.Leaf);
        public bool is_sparse => Flag(TensorFlag.Sparse);
        public bool is_cuda => device_type == DeviceType.CUDA;
        public bool is_meta => device_type == DeviceType.META;
        public bool is_cpu() => device_type == DeviceType.CPU;
        public bool is_conj() => Flag(TensorFlag.Conjugate);
        public bool is_neg() => Flag(TensorFlag.Negative);
        public bool is_quantized() => Flag(TensorFlag.Quantized);
        public bool is_pinned() => Flag(TensorFlag.Pinned);
        public bool is_floating_point() => torch.is_floating_point(dtype);
        public bool is_complex() => torch.is_complex(dtype);
        public bool is_integral() => torch.is_integral(dtype);

        public bool is_nonzero()
        {
            if (numel() != 1) throw new InvalidOperationException($"The truth value of a tensor of {numel()} elements is ambiguous; use any() or all().");
            return ToScalar().ToBoolean();
        }

        public Tensor DetachFromDisposeScope()
        {
            Scope?.Detach([this]);
            return this;
        }

        public Tensor MoveToOuterDisposeScope()
        {
            Scope?.MoveToOuter([this]);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(DisposeScope other)
        {
            if (Scope is not null) Scope.MoveToOther(other, [this]);
            else other?.Attach(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.Scope);

        public override bool Equals(object obj) => obj is Tensor other && Equals(other);

        /// <summary>Same shape, type and values; the operators compare element by element instead.</summary>
        public bool Equals(Tensor target) =>
            ReferenceEquals(this, target) || (target is not null && dtype == target.dtype && shape.AsSpan().SequenceEqual(target.shape) && Aten.equal.CallBool(this, target));

        public override int GetHashCode() => handle.GetHashCode();
    }
}
