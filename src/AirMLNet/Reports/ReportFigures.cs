namespace AirMLNet.Reports;

/// <summary>A share with the numbers it is made of.</summary>
/// <param name="Hits">Rows that are so.</param>
/// <param name="Rows">Rows that were looked at.</param>
internal readonly record struct Share(int Hits, int Rows)
{
    /// <summary>0..1; null of no rows.</summary>
    public double? Value => Rows == 0 ? null : Hits / (double)Rows;

    public static Share Of(IEnumerable<ReportRow> rows, Func<ReportRow, bool> hit)
    {
        var (hits, all) = (0, 0);
        foreach (var row in rows)
        {
            hits += hit(row) ? 1 : 0;
            all++;
        }

        return new(hits, all);
    }
}

/// <summary>Pseudo-labels of one class.</summary>
/// <param name="Class">The class.</param>
/// <param name="Count">Photos that it chose.</param>
/// <param name="Confidence">Mean of the adapted model's probability of the class over them; NaN for none.</param>
/// <param name="Purity">Of those with a label, the share that is of the class.</param>
internal sealed record PseudoLabelFigures(int Class, int Count, double Confidence, Share Purity);

/// <summary>A photo that is likely to lie in a folder of another class than it shows.</summary>
/// <param name="Row">The photo.</param>
/// <param name="Margin">Probability of the predicted class minus that of the folder's.</param>
internal sealed record MislabelledPhoto(ReportRow Row, double Margin);

/// <summary>All numbers of a report.</summary>
internal sealed class ReportFigures
{
    /// <summary>Bars of the histogram of confidence.</summary>
    public const int Bins = 10;

    public ReportFigures(IReadOnlyList<ReportRow> rows, int classes)
    {
        Rows = rows;
        Classes = classes;
        Labelled = [.. rows.Where(r => r.Label >= 0)];
        Accuracy = Share.Of(Labelled, r => r.Predicted == r.Label);
        TextAccuracy = Share.Of(Labelled.Where(r => r.Text >= 0), r => r.Text == r.Label);
        ImageAccuracy = Share.Of(Labelled.Where(r => r.Image >= 0), r => r.Image == r.Label);
        TextAgrees = Share.Of(rows.Where(r => r.Text >= 0), r => r.Text == r.Predicted);
        ImageAgrees = Share.Of(rows.Where(r => r.Image >= 0), r => r.Image == r.Predicted);
        TextImageAgree = Share.Of(rows.Where(r => r.Text >= 0 && r.Image >= 0), r => r.Text == r.Image);
        Confusion = new int[classes, classes];
        foreach (var row in Labelled)
        {
            Confusion[row.Label, row.Predicted]++;
        }

        MeanConfidence = rows.Count == 0 ? double.NaN : rows.Average(r => (double)r.Confidence);
        Mislabelled = FindMislabelled();
    }

    public IReadOnlyList<ReportRow> Rows { get; }

    public int Classes { get; }

    public IReadOnlyList<ReportRow> Labelled { get; }

    public Share Accuracy { get; }

    public Share TextAccuracy { get; }

    public Share ImageAccuracy { get; }

    public Share TextAgrees { get; }

    public Share ImageAgrees { get; }

    public Share TextImageAgree { get; }

    /// <summary>[true class, predicted class].</summary>
    public int[,] Confusion { get; }

    public double MeanConfidence { get; }

    public IReadOnlyList<MislabelledPhoto> Mislabelled { get; }

    /// <summary>Share of the photos whose confidence is at least so high.</summary>
    public Share Covered(double confidence) => Share.Of(Rows, r => r.Confidence >= confidence);

    public Share Recall(int c) => Share.Of(Labelled.Where(r => r.Label == c), r => r.Predicted == c);

    public Share Precision(int c) => Share.Of(Labelled.Where(r => r.Predicted == c), r => r.Label == c);

    /// <summary>Mean recall over the classes that have labelled photos.</summary>
    public (double? Value, int Classes) MacroAccuracy()
    {
        double[] recalls = [.. Enumerable.Range(0, Classes).Select(c => Recall(c).Value).OfType<double>()];
        return (recalls.Length == 0 ? null : recalls.Average(), recalls.Length);
    }

    /// <summary>Photos per tenth of confidence: right, wrong, and without label.</summary>
    public (int Right, int Wrong, int Unknown)[] ConfidenceBins()
    {
        var bins = new (int Right, int Wrong, int Unknown)[Bins];
        foreach (var row in Rows)
        {
            ref var bin = ref bins[Math.Clamp((int)(row.Confidence * Bins), 0, Bins - 1)];
            _ =
                row.Label < 0 ? bin.Unknown++
                : row.Label == row.Predicted ? bin.Right++
                : bin.Wrong++;
        }

        return bins;
    }

    /// <summary>Pairs of true and predicted class with the photos that were confused, most first.</summary>
    public IReadOnlyList<(int True, int Predicted, IReadOnlyList<ReportRow> Rows)> WorstPairs(int most) =>
        [
            .. Labelled
                .Where(r => r.Label != r.Predicted)
                .GroupBy(r => (r.Label, r.Predicted))
                .OrderByDescending(g => g.Count())
                .ThenBy(g => g.Key)
                .Take(most)
                .Select(g => (g.Key.Label, g.Key.Predicted, (IReadOnlyList<ReportRow>)[.. g.OrderByDescending(r => r.Confidence)])),
        ];

    public IReadOnlyList<PseudoLabelFigures> PseudoLabels() =>
        [
            .. Enumerable
                .Range(0, Classes)
                .Select(c =>
                {
                    ReportRow[] chosen = [.. Rows.Where(r => r.PseudoLabel == c)];
                    return new PseudoLabelFigures(
                        c,
                        chosen.Length,
                        chosen.Length == 0 ? double.NaN : chosen.Average(r => (double)r.Score[c]),
                        Share.Of(chosen.Where(r => r.Label >= 0), r => r.Label == c)
                    );
                }),
        ];

    /// <summary>
    /// Confident learning (Northcutt, Jiang and Chuang 2021): a photo in the folder of class i counts as one of class j ≠ i where j is
    /// predicted with at least the mean probability of j over the photos in j's own folder. Sorted by the margin p_j − p_i.
    /// </summary>
    private List<MislabelledPhoto> FindMislabelled()
    {
        var threshold = new double[Classes];
        for (var c = 0; c < Classes; c++)
        {
            ReportRow[] own = [.. Labelled.Where(r => r.Label == c)];
            threshold[c] = own.Length == 0 ? double.PositiveInfinity : own.Average(r => (double)r.Score[c]);
        }

        return
        [
            .. Labelled
                .Where(r => r.Predicted != r.Label && r.Confidence >= threshold[r.Predicted])
                .Select(r => new MislabelledPhoto(r, r.Confidence - (double)r.Score[r.Label]))
                .OrderByDescending(m => m.Margin)
                .ThenBy(m => m.Row.Name, StringComparer.Ordinal),
        ];
    }
}
