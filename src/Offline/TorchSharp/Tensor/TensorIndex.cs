using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>One item between the brackets of an index: a number, a range, a tensor, ":", "..." or a new dimension.</summary>
    public struct TensorIndex
    {
        internal enum Kind { None, Single, Slice, Ellipsis, Bool, Tensor }

        internal Kind kind;
        internal long? start, stop, step;
        internal Tensor tensor;

        public static TensorIndex None = new() { kind = Kind.None };
        public static TensorIndex Null = new() { kind = Kind.None };
        public static TensorIndex Ellipsis = new() { kind = Kind.Ellipsis };
        public static TensorIndex Colon = new() { kind = Kind.Slice };

        public static TensorIndex Single(long? index) => index is null ? None : new TensorIndex { kind = Kind.Single, start = index };

        public static TensorIndex Bool(bool value) => new() { kind = Kind.Bool, start = value ? 1 : 0 };

        public static TensorIndex Tensor(Tensor tensor) => new() { kind = Kind.Tensor, tensor = tensor };

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) => new() { kind = Kind.Slice, start = start, stop = stop, step = step };

        public static TensorIndex Slice((int? start, int? end) range) => Slice(range.start, range.end);

        public static TensorIndex Slice(Range range) => Slice(From(range.Start), range.End.IsFromEnd && range.End.Value == 0 ? null : From(range.End));

        public static implicit operator TensorIndex(long value) => Single(value);

        public static implicit operator TensorIndex(Index index) => Single(From(index));

        public static implicit operator TensorIndex(Range range) => Slice(range);

        public static implicit operator TensorIndex((int? start, int? end) range) => Slice(range);

        public static implicit operator Tensor(TensorIndex value) => value.kind switch
        {
            Kind.Tensor => value.tensor,
            Kind.Single => torch.tensor(value.start.Value),
            _ => throw new InvalidOperationException("Only a number or a tensor index is a tensor."),
        };

        private static long From(Index index) => index.IsFromEnd ? -(long)index.Value : index.Value;
    }

    public partial class Tensor
    {
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        public Tensor this[params long[] indices]
        {
            get => Selected(indices);
            set => Assign(indices, value);
        }

        public Tensor this[long i1]
        {
            get => Aten.select_int.Call(this, 0, i1);
            set => Assign([i1], value);
        }

        public Tensor this[long i1, long i2]
        {
            get => Selected([i1, i2]);
            set => Assign([i1, i2], value);
        }

        public Tensor this[long i1, long i2, long i3]
        {
            get => Selected([i1, i2, i3]);
            set => Assign([i1, i2, i3], value);
        }

        public Tensor this[long i1, long i2, long i3, long i4]
        {
            get => Selected([i1, i2, i3, i4]);
            set => Assign([i1, i2, i3, i4], value);
        }

        public Tensor this[long i1, long i2, long i3, long i4, long i5]
        {
            get => Selected([i1, i2, i3, i4, i5]);
            set => Assign([i1, i2, i3, i4, i5], value);
        }

        public Tensor this[long i1, long i2, long i3, long i4, long i5, long i6]
        {
            get => Selected([i1, i2, i3, i4, i5, i6]);
            set => Assign([i1, i2, i3, i4, i5, i6], value);
        }

        public Tensor index(params TensorIndex[] indices)
        {
            var (view, tensors) = Resolve(indices);
            if (tensors is null) return ReferenceEquals(view, this) ? Aten.alias.Call(this) : view;
            var result = Aten.index_Tensor.Call(view, tensors);
            if (!ReferenceEquals(view, this)) view.Dispose();
            return result;
        }

        public Tensor index(params Tensor[] indices) => Aten.index_Tensor.Call(this, indices);

        public Tensor index_put_(Tensor value, params TensorIndex[] indices) => index_put_(value, indices, false);

        public Tensor index_put_(Tensor value, TensorIndex[] indices, bool accumulate = false)
        {
            var (view, tensors) = Resolve(indices);
            if (tensors is not null) Aten.index_put_.Run(view, tensors, value, accumulate);
            else if (accumulate) Aten.add__Tensor.Run(view, value);
            else view.Set(value);
            if (!ReferenceEquals(view, this)) view.Dispose();
            return this;
        }

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using var scalar = torch.tensor(value, dtype, device);
            return index_put_(scalar, indices, false);
        }

        public Tensor index_put_(Tensor value, params Tensor[] indices) => index_put_(value, indices, false);

        public Tensor index_put_(Tensor value, Tensor[] indices, bool accumulate = false) => Aten.index_put_.InPlace(this, indices, value, accumulate);

        public Tensor index_put_(Scalar value, params Tensor[] indices)
        {
            using var scalar = torch.tensor(value, dtype, device);
            return Aten.index_put_.InPlace(this, indices, scalar, false);
        }

        private Tensor Selected(long[] indices)
        {
            if (indices.Length > ndim) throw new IndexOutOfRangeException($"{indices.Length} indices were given for {ndim} dimensions.");
            var view = this;
            foreach (var index in indices)
            {
                var next = Aten.select_int.Call(view, 0, index);
                if (!ReferenceEquals(view, this)) view.Dispose();
                view = next;
            }
            return ReferenceEquals(view, this) ? Aten.alias.Call(this) : view;
        }

        private void Assign(long[] indices, Tensor value)
        {
            using var view = Selected(indices);
            view.Set(value);
        }

        // Leading dimensions of length one are dropped from the value, as in Python's a[i] = b.
        private void Set(Tensor value)
        {
            if (value.ndim <= ndim)
            {
                Aten.copy_.Run(this, value);
                return;
            }
            var extra = (int)(value.ndim - ndim);
            if (value.shape.Take(extra).Any(s => s != 1)) throw new ArgumentException($"A value of shape ({string.Join(", ", value.shape)}) does not fit ({string.Join(", ", shape)}).");
            using var flat = value.reshape(value.shape.Skip(extra).ToArray());
            Aten.copy_.Run(this, flat);
        }

        // Applies numbers, ranges and new dimensions as views; what remains are tensor indices, or none.
        private (Tensor view, Tensor[] tensors) Resolve(TensorIndex[] indices)
        {
            var consumed = indices.Sum(i => i.kind switch
            {
                TensorIndex.Kind.Single or TensorIndex.Kind.Slice => 1,
                TensorIndex.Kind.Tensor => i.tensor.dtype is ScalarType.Bool ? (int)i.tensor.ndim : 1,
                _ => 0,
            });
            if (consumed > ndim) throw new IndexOutOfRangeException($"{consumed} indices were given for {ndim} dimensions.");
            var view = this;
            var axis = 0;
            Tensor[] tensors = null;
            foreach (var item in indices)
            {
                switch (item.kind)
                {
                    case TensorIndex.Kind.Single:
                        Replace(Aten.select_int.Call(view, axis, item.start.Value));
                        break;
                    case TensorIndex.Kind.Slice:
                        if (item.start is not null || item.stop is not null || item.step is not null)
                            Replace(Aten.slice_Tensor.Call(view, axis, item.start, item.stop, item.step ?? 1));
                        axis++;
                        break;
                    case TensorIndex.Kind.Ellipsis:
                        axis += (int)ndim - consumed;
                        break;
                    case TensorIndex.Kind.None:
                        Replace(Aten.unsqueeze.Call(view, axis));
                        axis++;
                        break;
                    case TensorIndex.Kind.Bool:
                        Replace(Aten.unsqueeze.Call(view, axis));
                        Put(torch.tensor(item.start == 1).unsqueeze(0));
                        axis++;
                        break;
                    case TensorIndex.Kind.Tensor:
                        Put(item.tensor);
                        axis += item.tensor.dtype is ScalarType.Bool ? (int)item.tensor.ndim : 1;
                        break;
                }
            }
            return (view, tensors);

            void Replace(Tensor next)
            {
                if (!ReferenceEquals(view, this)) view.Dispose();
                view = next;
            }

            void Put(Tensor index)
            {
                var longer = new Tensor[axis + 1];
                tensors?.CopyTo(longer, 0);
                longer[axis] = index;
                tensors = longer;
            }
        }
    }
}
