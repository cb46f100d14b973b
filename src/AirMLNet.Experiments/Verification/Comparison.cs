using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>Compares computed with expected tensors by the rules of the reference cases.</summary>
internal static class Comparison
{
    public const double DefaultTolerance = 1e-4;
    private const double GradientTolerance = 1e-3;

    // A resampler in fixed point may round the other way here and there.
    private const double Differing = 0.001;

    /// <summary>Every element: |got − want| ≤ abs + rel·|want|.</summary>
    public static VerificationRow Output(string name, Tensor got, Tensor want, (double Abs, double Rel) tolerance) =>
        Compare(name, got, want, (difference, expected, _) => difference <= tolerance.Abs + tolerance.Rel * expected);

    /// <summary>The whole tensor: max |got − want| ≤ 1e-3 · max |want|.</summary>
    public static VerificationRow Gradient(string name, Tensor got, Tensor want) =>
        Compare(name, got, want, (difference, _, largest) => difference <= GradientTolerance * largest);

    /// <summary>Runs a computation whose failure is a failing row, so that the other outputs are still compared.</summary>
    public static VerificationRow Guarded(string name, Func<VerificationRow> compute)
    {
        try
        {
            return compute();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return Failed(name, e.Message);
        }
    }

    public static VerificationRow Failed(string name, string note) => new(name, double.NaN, double.NaN, false, note);

    /// <summary>A row for items that must be equal.</summary>
    public static VerificationRow Exact(string name, int different, int count, string? note) =>
        new(name, different, count == 0 ? 0 : (double)different / count, different == 0 && count > 0, note);

    /// <summary>A row for 8-bit pixels: none further off than so many levels, and with one level no more than one in a thousand.</summary>
    public static VerificationRow Levels(string label, ReadOnlySpan<byte> got, ReadOnlySpan<byte> want, int levels)
    {
        if (got.Length != want.Length)
        {
            return Failed(label, $"{got.Length} values, expected {want.Length}");
        }
        int different = 0,
            largest = 0;
        for (var i = 0; i < got.Length; i++)
        {
            var difference = Math.Abs(got[i] - want[i]);
            largest = Math.Max(largest, difference);
            different += difference == 0 ? 0 : 1;
        }
        var good = largest <= levels && (levels > 1 || different <= Differing * want.Length);
        return new(label, largest, largest / 255.0, good, different == 0 ? "equal" : $"{different} of {want.Length} values differ");
    }

    private static VerificationRow Compare(string name, Tensor got, Tensor want, Func<double, double, double, bool> within)
    {
        if (!got.shape.SequenceEqual(want.shape))
        {
            return Failed(name, $"shape [{string.Join(", ", got.shape)}], expected [{string.Join(", ", want.shape)}]");
        }
        var (g, w) = (Values(got), Values(want));
        double abs = 0,
            largest = 0;
        for (var i = 0; i < w.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs((double)w[i]));
        }
        var outside = 0;
        for (var i = 0; i < w.Length; i++)
        {
            var difference = Math.Abs((double)g[i] - w[i]);
            // NaN compares false with everything: it must fail, and must not vanish in the maximum.
            if (!within(difference, Math.Abs((double)w[i]), largest))
            {
                outside++;
            }
            abs = double.IsNaN(difference) ? double.NaN : Math.Max(abs, difference);
        }
        var rel = abs == 0 ? 0 : abs / largest;
        return new(name, abs, rel, outside == 0, outside == 0 ? null : $"{outside} of {w.Length} values out of tolerance");
    }

    private static float[] Values(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.detach().to_type(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
    }
}
