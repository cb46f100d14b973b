using System.Runtime.InteropServices;
using AirMLNet.Layers;
using static TorchSharp.torch;

namespace AirMLNet.MultiLabel;

/// <summary>Rows of features in float16, of which some are taken at a time.</summary>
internal interface IDenseRows : IDisposable
{
    /// <summary>Number of rows.</summary>
    int Count { get; }

    /// <summary>N, the places of a row, or the tokens of the longest.</summary>
    int Places { get; }

    /// <summary>Copies a row of (1 + N)·D values; places that a shorter one lacks are zeros.</summary>
    void Copy(int row, Span<Half> destination);
}

/// <summary>Rows in memory.</summary>
internal sealed class MemoryRows(IReadOnlyList<Half[]> rows, int places) : IDenseRows
{
    public int Count => rows.Count;

    public int Places => places;

    public void Copy(int row, Span<Half> destination)
    {
        rows[row].CopyTo(destination);
        destination[rows[row].Length..].Clear();
    }

    public void Dispose() { }
}

/// <summary>A batch of rows as tensors in float32.</summary>
/// <param name="Global">[B, D].</param>
/// <param name="Local">[B, N, D].</param>
/// <param name="Keep">[B, N], 1 for a place that counts; null for all.</param>
internal sealed record DenseBatch(Tensor Global, Tensor Local, Tensor? Keep)
{
    /// <summary>Takes rows by their numbers.</summary>
    /// <param name="source">Where they are.</param>
    /// <param name="rows">B numbers.</param>
    /// <param name="dimension">D.</param>
    /// <param name="masked">Whether places of zeros do not count.</param>
    /// <param name="device">Where the tensors go.</param>
    public static DenseBatch Take(IDenseRows source, IReadOnlyList<int> rows, int dimension, bool masked, Device device)
    {
        var length = (1 + source.Places) * dimension;
        using var scope = NewDisposeScope();
        var halves = empty([rows.Count, 1 + source.Places, dimension], ScalarType.Float16);
        for (var i = 0; i < rows.Count; i++)
        {
            source.Copy(rows[i], MemoryMarshal.Cast<byte, Half>(halves.bytes).Slice(i * length, length));
        }
        return Of(halves.to(device).to_type(ScalarType.Float32), masked).Kept();
    }

    /// <summary>Rows in float32, [B, (1 + N)·D], as the tensors of a batch.</summary>
    public static DenseBatch Of(ReadOnlySpan<float> rows, int count, int dimension, Device device)
    {
        using var scope = NewDisposeScope();
        return Of(Tensors.Of(rows, [count, rows.Length / count / dimension, dimension], device), masked: false).Kept();
    }

    private static DenseBatch Of(Tensor all, bool masked)
    {
        var local = all.narrow(1, 1, all.size(1) - 1);
        return new(all.select(1, 0), local, masked ? local.abs().amax([-1]).gt(0).to_type(ScalarType.Float32) : null);
    }

    private DenseBatch Kept() => new(Global.MoveToOuterDisposeScope(), Local.MoveToOuterDisposeScope(), Keep?.MoveToOuterDisposeScope());
}
