namespace TorchSharp.Tests;

/// <summary>A plain array of several dimensions, the reference that tensors are compared with.</summary>
internal sealed class NdArray
{
    private readonly double[] values;

    private NdArray(long[] shape)
    {
        Shape = shape;
        values = new double[shape.Aggregate(1L, (n, s) => n * s)];
    }

    internal long[] Shape { get; }

    internal static NdArray Filled(long[] shape, Func<long[], double> value)
    {
        var array = new NdArray(shape);
        foreach (var at in Indices(shape)) array.Put(at, value(at));
        return array;
    }

    /// <summary>Numbers in [-1, 1) that are never zero.</summary>
    internal static NdArray Random(Random random, long[] shape) => Filled(shape, _ => (random.NextDouble() + 0.01) * (random.Next(2) == 0 ? -1 : 1) / 1.01);

    /// <summary>Every index of the shape, the last dimension fastest.</summary>
    internal static IEnumerable<long[]> Indices(long[] shape)
    {
        if (shape.Any(s => s == 0)) yield break;
        var at = new long[shape.Length];
        while (true)
        {
            yield return (long[])at.Clone();
            var d = shape.Length - 1;
            while (d >= 0 && ++at[d] == shape[d]) at[d--] = 0;
            if (d < 0) yield break;
        }
    }

    internal double At(long[] index) => values[Offset(index)];
    internal void Put(long[] index, double value) => values[Offset(index)] = value;
    internal void Add(long[] index, double value) => values[Offset(index)] += value;

    internal NdArray Copy() => Filled(Shape, At);

    internal NdArray Reshaped(long[] shape)
    {
        var array = new NdArray(shape);
        values.CopyTo(array.values, 0);
        return array;
    }

    internal Tensor ToTensor() => tensor(values, Shape, float64);

    internal void AreSame(Tensor actual, string message, double tolerance = 0)
    {
        CollectionAssert.AreEqual(Shape, actual.shape, message);
        var found = actual.detach().to(float64).contiguous().data<double>().ToArray();
        for (var k = 0; k < values.Length; k++) Assert.AreEqual(values[k], found[k], tolerance * (1 + Math.Abs(values[k])), $"{message}, element {k}");
    }

    private long Offset(long[] index)
    {
        var offset = 0L;
        for (var d = 0; d < Shape.Length; d++) offset = offset * Shape[d] + index[d];
        return offset;
    }
}
