using AirMLNet.Clip;
using static TorchSharp.torch;

namespace AirMLNet.FineTuning;

/// <summary>How labels are propagated; the defaults are ReCLIP's.</summary>
internal sealed record LabelPropagationSettings
{
    /// <summary>k.</summary>
    public int Neighbours { get; init; } = 20;

    /// <summary>α of (I − αW)F = Y.</summary>
    public double Alpha { get; init; } = 0.99;

    /// <summary>Singular vectors 1..cut−1 span the projection; the first is dropped.</summary>
    public int CutDimension { get; init; } = 768;

    /// <summary>Rounds the projection to half precision, as the published code stores it.</summary>
    public bool HalfProjection { get; init; }

    /// <summary>
    /// Where the conjugate gradients stop. The published 20 often come before the tolerance and are part of the method;
    /// <see cref="Exact"/> goes on until the solution is exact to rounding.
    /// </summary>
    public int MostIterations { get; init; } = 20;

    public double Tolerance { get; init; } = 1e-6;

    public bool Exact { get; init; }
}

/// <summary>What a propagation gives; nodes are the C texts, then the N images.</summary>
/// <param name="Scores">[C + N, C].</param>
/// <param name="Labels">[C + N].</param>
/// <param name="Confidence">[C + N]: 1 − entropy of a row's scores over ln C.</param>
/// <param name="Centroids">[C, D], the mean of the unprojected nodes of each label, of length 1; the text itself where there are
/// none.</param>
/// <param name="Iterations">[C], of the conjugate gradients.</param>
/// <param name="Residuals">[C], the length of what is left of the right-hand side.</param>
internal sealed record PropagatedLabels(
    float[] Scores,
    int[] Labels,
    float[] Confidence,
    float[] Centroids,
    int[] Iterations,
    double[] Residuals
);

/// <summary>ReCLIP's label propagation from class texts to images (Hu et al. 2024; <c>docs/methods.md</c> §5.5).</summary>
internal static class LabelPropagation
{
    private const double ExactTolerance = 1e-12;
    private const int MostExactIterations = 10_000;

    /// <summary>The matrix that takes away what all class texts have in common: U[:, 1:cut]·U[:, 1:cut]ᵀ.</summary>
    /// <param name="texts">[C, D].</param>
    /// <param name="settings">The cut, and the precision.</param>
    /// <returns>[D, D].</returns>
    public static Tensor Projection(Tensor texts, LabelPropagationSettings settings)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var (u, _, _) = linalg.svd(texts.detach().t(), fullMatrices: false); // [D, min(D, C)]
        var kept = Math.Min(settings.CutDimension, u.size(1)) - 1;
        var basis = u.narrow(1, Math.Min(1, u.size(1)), Math.Max(0, kept));
        var projection = basis.matmul(basis.t());
        return (settings.HalfProjection ? projection.to_type(ScalarType.Float16).to_type(ScalarType.Float32) : projection)
            .contiguous()
            .MoveToOuterDisposeScope();
    }

    /// <summary>The nodes as the graph sees them: projected, of length 1.</summary>
    /// <param name="texts">[C, D].</param>
    /// <param name="features">[N, D].</param>
    /// <param name="projection">[D, D].</param>
    /// <returns>[C + N, D].</returns>
    public static Tensor Nodes(Tensor texts, Tensor features, Tensor projection)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        return ClipModel.Normalise(cat([texts.detach(), features.detach()]).matmul(projection)).MoveToOuterDisposeScope();
    }

    /// <summary>Propagates.</summary>
    /// <param name="texts">[C, D], the rows that have labels.</param>
    /// <param name="features">[N, D].</param>
    /// <param name="projection">[D, D].</param>
    /// <param name="settings">How.</param>
    /// <param name="cancellation">Checked on the way.</param>
    public static PropagatedLabels Run(
        Tensor texts,
        Tensor features,
        Tensor projection,
        LabelPropagationSettings settings,
        CancellationToken cancellation = default
    )
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var graph = NeighbourGraph.Of(Nodes(texts, features, projection), settings.Neighbours, cancellation);
        var (classes, count) = ((int)texts.size(0), graph.Count);
        var scores = new float[count * classes];
        var (iterations, residuals) = (new int[classes], new double[classes]);
        Parallel.For(
            0,
            classes,
            new ParallelOptions { CancellationToken = cancellation },
            c =>
            {
                var wanted = new double[count];
                wanted[c] = 1;
                var solution = Solve(graph, wanted, settings, out iterations[c], out residuals[c]);
                for (var i = 0; i < count; i++)
                {
                    scores[(i * classes) + c] = (float)solution[i];
                }
            }
        );
        var (labels, confidence) = (new int[count], new float[count]);
        for (var i = 0; i < count; i++)
        {
            (labels[i], confidence[i]) = Decide(scores.AsSpan(i * classes, classes));
        }

        return new(scores, labels, confidence, Centroids(texts, features, labels), iterations, residuals);
    }

    /// <summary>Conjugate gradients from 0 on (I − αW)x = b.</summary>
    private static double[] Solve(
        NeighbourGraph graph,
        double[] b,
        LabelPropagationSettings settings,
        out int iterations,
        out double residual
    )
    {
        var (most, tolerance) = settings.Exact ? (MostExactIterations, ExactTolerance) : (settings.MostIterations, settings.Tolerance);
        double[] x = new double[b.Length],
            r = [.. b],
            p = [.. b],
            q = new double[b.Length];
        var rho = Dot(r, r);
        for (iterations = 0; iterations < most && Math.Sqrt(rho) > tolerance; iterations++)
        {
            graph.Multiply(settings.Alpha, p, q);
            var step = rho / Dot(p, q);
            for (var i = 0; i < x.Length; i++)
            {
                x[i] += step * p[i];
                r[i] -= step * q[i];
            }

            var next = Dot(r, r);
            var beta = next / rho;
            rho = next;
            for (var i = 0; i < p.Length; i++)
            {
                p[i] = r[i] + (beta * p[i]);
            }
        }

        residual = Math.Sqrt(rho);
        return x;
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (var i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static (int Label, float Confidence) Decide(ReadOnlySpan<float> scores)
    {
        double sum = 0,
            entropy = 0;
        var label = 0;
        for (var c = 0; c < scores.Length; c++)
        {
            sum += scores[c];
            label = scores[c] > scores[label] ? c : label;
        }

        foreach (var score in scores)
        {
            var p = score / sum;
            entropy -= p > 0 ? p * Math.Log(p) : 0;
        }
        return (label, (float)(1 - (entropy / Math.Log(scores.Length))));
    }

    private static float[] Centroids(Tensor texts, Tensor features, int[] labels)
    {
        var classes = texts.size(0);
        var all = cat([texts.detach(), features.detach()]); // [C + N, D]
        var index = tensor(labels.Select(l => (long)l).ToArray(), device: all.device);
        var members = nn.functional.one_hot(index, classes).t().to_type(all.dtype); // [C, C + N]
        var count = members.sum(1, keepdim: true);
        var mean = ClipModel.Normalise(members.matmul(all).div(count.clamp_min(1)));
        return where(count.gt(0), mean, texts).cpu().contiguous().data<float>().ToArray();
    }
}
