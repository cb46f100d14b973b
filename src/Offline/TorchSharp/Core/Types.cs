namespace TorchSharp;

// The names of the element types, and the size type.
public static partial class torch
{
    public static ScalarType @bool = ScalarType.Bool;
    public static ScalarType uint8 = ScalarType.Byte;
    public static ScalarType int8 = ScalarType.Int8;
    public static ScalarType int16 = ScalarType.Int16;
    public static ScalarType int32 = ScalarType.Int32;
    public static ScalarType int64 = ScalarType.Int64;
    public static ScalarType @short = ScalarType.Int16;
    public static ScalarType @int = ScalarType.Int32;
    public static ScalarType @long = ScalarType.Int64;
    public static ScalarType float16 = ScalarType.Float16;
    public static ScalarType half = ScalarType.Float16;
    public static ScalarType bfloat16 = ScalarType.BFloat16;
    public static ScalarType float32 = ScalarType.Float32;
    public static ScalarType @float = ScalarType.Float32;
    public static ScalarType float64 = ScalarType.Float64;
    public static ScalarType @double = ScalarType.Float64;
    public static ScalarType complex64 = ScalarType.ComplexFloat32;
    public static ScalarType cfloat = ScalarType.ComplexFloat32;
    public static ScalarType complex128 = ScalarType.ComplexFloat64;
    public static ScalarType cdouble = ScalarType.ComplexFloat64;

    public struct Size : IEnumerable<long>
    {
        private readonly long[] shape;

        public Size(long[] shape) => this.shape = (long[])shape.Clone();
        public Size(int[] shape) => this.shape = Array.ConvertAll(shape, s => (long)s);
        public Size(IEnumerable<long> shape) => this.shape = shape.ToArray();
        public Size(long size) => shape = [size];
        public Size(int size) => shape = [size];
        public Size((long, long) size) => shape = [size.Item1, size.Item2];
        public Size((long, long, long) size) => shape = [size.Item1, size.Item2, size.Item3];
        public Size((long, long, long, long) size) => shape = [size.Item1, size.Item2, size.Item3, size.Item4];

        public static Size Empty = new(Array.Empty<long>());

        public readonly long[] Shape => shape ?? [];
        public readonly int Length => Shape.Length;
        public readonly bool IsEmpty => Length == 0;
        public readonly bool IsScalar => Length == 0;
        public readonly long this[int idx] => Shape[idx];
        public readonly long this[long idx] => Shape[idx];
        public readonly long numel() => Shape.TotalSize();
        public readonly IEnumerator<long> GetEnumerator() => ((IEnumerable<long>)Shape).GetEnumerator();
        readonly System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
        public readonly Size Slice(int first, int next) => new(Shape[first..next]);
        public override readonly bool Equals(object obj) => obj is Size other && this == other;
        public override readonly int GetHashCode() => Shape.Aggregate(17, (h, s) => h * 31 + s.GetHashCode());
        public static bool operator ==(Size left, Size right) => left.Shape.AsSpan().SequenceEqual(right.Shape);
        public static bool operator !=(Size left, Size right) => !(left == right);
        public static implicit operator Size(long size) => new(size);
        public static implicit operator Size(long[] size) => new(size);
        public static implicit operator Size((long, long) size) => new(size);
        public static implicit operator Size((long, long, long) size) => new(size);
        public static implicit operator Size((long, long, long, long) size) => new(size);
    }
}

public enum compute_mode
{
    use_mm_for_euclid_dist_if_necessary = 0,
    use_mm_for_euclid_dist = 1,
    donot_use_mm_for_euclid_dist = 2,
}
