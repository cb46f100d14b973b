using AirMLNet.Clip;
using static TorchSharp.torch;

namespace AirMLNet.FineTuning;

/// <summary>
/// A sparse symmetric graph of the k nearest neighbours of each node (ReCLIP; <c>docs/methods.md</c> §5.5): affinity (cos + 1)/2, halved
/// where only one of two counts the other among its own, then D^(−½) W D^(−½). The published code keeps all N² affinities; here memory
/// grows with N·k.
/// </summary>
internal sealed class NeighbourGraph
{
    private const int Block = 512; // rows whose affinities are there at a time

    private NeighbourGraph(int[] starts, int[] columns, float[] weights, float[] normalised) =>
        (Starts, Columns, Weights, Normalised) = (starts, columns, weights, normalised);

    public int Count => Starts.Length - 1;

    /// <summary>[n + 1]: where each row's entries begin.</summary>
    public int[] Starts { get; }

    /// <summary>The entries' columns, ascending in each row.</summary>
    public int[] Columns { get; }

    /// <summary>W.</summary>
    public float[] Weights { get; }

    /// <summary>D^(−½) W D^(−½).</summary>
    public float[] Normalised { get; }

    /// <param name="features">[n, D].</param>
    /// <param name="neighbours">k; all others where there are fewer.</param>
    /// <param name="cancellation">Checked between blocks of rows.</param>
    public static NeighbourGraph Of(Tensor features, int neighbours, CancellationToken cancellation = default)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var unit = ClipModel.Normalise(features);
        var n = (int)unit.size(0);
        var k = Math.Min(neighbours, n - 1);
        var rows = new SortedDictionary<int, float>[n]; // topA + topAᵀ
        for (var i = 0; i < n; i++)
        {
            rows[i] = [];
        }

        for (var from = 0; from < n; from += Block)
        {
            cancellation.ThrowIfCancellationRequested();
            using var block = NewDisposeScope();
            var count = Math.Min(Block, n - from);
            var affinity = unit.narrow(0, from, count).matmul(unit.t()).add(1).div(2); // [b, n]
            var own = arange(from, from + count, ScalarType.Int64, unit.device).unsqueeze(1);
            affinity.scatter_(1, own, zeros_like(own).to_type(affinity.dtype)); // no node is its own neighbour
            var (values, indices) = affinity.topk(k, 1);
            var (v, c) = (values.cpu().contiguous().data<float>().ToArray(), indices.cpu().contiguous().data<long>().ToArray());
            for (var e = 0; e < v.Length; e++)
            {
                var (row, column) = (from + (e / k), (int)c[e]);
                rows[row][column] = rows[row].GetValueOrDefault(column) + v[e];
                rows[column][row] = rows[column].GetValueOrDefault(row) + v[e];
            }
        }

        return Of(rows);
    }

    /// <summary>y = (I − αW)·x with the normalised W.</summary>
    public void Multiply(double alpha, ReadOnlySpan<double> x, Span<double> y)
    {
        for (var i = 0; i < Count; i++)
        {
            double sum = 0;
            for (var e = Starts[i]; e < Starts[i + 1]; e++)
            {
                sum += Normalised[e] * x[Columns[e]];
            }
            y[i] = x[i] - (alpha * sum);
        }
    }

    /// <summary>Entries as a matrix, for small graphs.</summary>
    /// <param name="entries"><see cref="Weights"/> or <see cref="Normalised"/>.</param>
    /// <returns>[n, n].</returns>
    public float[] Dense(float[] entries)
    {
        var dense = new float[Count * Count];
        for (var i = 0; i < Count; i++)
        {
            for (var e = Starts[i]; e < Starts[i + 1]; e++)
            {
                dense[(i * Count) + Columns[e]] = entries[e];
            }
        }
        return dense;
    }

    private static NeighbourGraph Of(SortedDictionary<int, float>[] rows)
    {
        var starts = new int[rows.Length + 1];
        for (var i = 0; i < rows.Length; i++)
        {
            starts[i + 1] = starts[i] + rows[i].Count;
        }

        var (columns, weights) = (new int[starts[^1]], new float[starts[^1]]);
        var degree = new double[rows.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            var e = starts[i];
            foreach (var (column, value) in rows[i])
            {
                (columns[e], weights[e]) = (column, value / 2);
                degree[i] += weights[e++];
            }
        }

        var root = Array.ConvertAll(degree, d => d > 0 ? 1 / Math.Sqrt(d) : 0);
        var normalised = new float[weights.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            for (var e = starts[i]; e < starts[i + 1]; e++)
            {
                normalised[e] = (float)(root[i] * weights[e] * root[columns[e]]);
            }
        }
        return new(starts, columns, weights, normalised);
    }
}
