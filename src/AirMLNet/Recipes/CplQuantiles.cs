namespace AirMLNet.Recipes;

/// <summary>CPL's published quantiles by data set and kind of prompt (docs/methods.md §3.3).</summary>
internal static class CplQuantiles
{
    private const double StandardIntra = 0.75;

    private static readonly Entry[] Published =
    [
        new("EuroSAT", new(0.75, 0.80, 3), new(0.90, 0.80, 2)),
        new("Flowers102", new(0.60, 0.99, 1), new(0.60, 0.99, 1)),
        new("FGVCAircraft", new(0.90, 0.97, 1.5), new(0.90, 0.99, 2)),
        new("DTD", new(0.75, 0.95, 2), new(0.60, 0.97, 2)),
        new("RESISC45", new(0.90, 0.97, 2), new(0.90, 0.97, 2)),
    ];

    /// <summary>α and β.</summary>
    /// <param name="dataSet">The published data set; others, and null, get α 0.75 and no β, which is then 1 − 2/C.</param>
    /// <param name="visual">Whether a visual prompt is learned.</param>
    /// <param name="unseen">The number of unseen classes of the transductive paradigm, whose β is 1 − γ/C; null otherwise.</param>
    public static (double Intra, double? Inter) Of(string? dataSet, bool visual, int? unseen)
    {
        if (Array.Find(Published, e => e.DataSet.Equals(dataSet, StringComparison.OrdinalIgnoreCase)) is not { } entry)
        {
            return (StandardIntra, null);
        }
        var quantiles = visual ? entry.Visual : entry.Text;
        return (quantiles.Intra, unseen is { } classes ? Math.Clamp(1 - (quantiles.Gamma / classes), 0, 1) : quantiles.Inter);
    }

    private sealed record Quantiles(double Intra, double Inter, double Gamma);

    private sealed record Entry(string DataSet, Quantiles Text, Quantiles Visual);
}
