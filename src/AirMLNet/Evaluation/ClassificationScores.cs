namespace AirMLNet.Evaluation;

/// <summary>
/// How often predictions are right; with seen and unseen classes also on either side and their harmonic mean (<c>docs/methods.md</c>
/// §3.1).
/// </summary>
/// <param name="Accuracy">Share of all images, 0..1.</param>
/// <param name="Seen">Share of the images of seen classes; null without a split.</param>
/// <param name="Unseen">Share of the images of unseen classes; null without a split.</param>
internal sealed record ClassificationScores(double Accuracy, double? Seen = null, double? Unseen = null)
{
    /// <summary>2·S·U/(S + U), 0 where both are 0; null without a split.</summary>
    public double? Harmonic => Seen is { } s && Unseen is { } u ? HarmonicMean(s, u) : null;

    /// <summary>2·a·b/(a + b), and 0 where both are 0.</summary>
    public static double HarmonicMean(double a, double b) => a + b > 0 ? 2 * a * b / (a + b) : 0;

    /// <summary>Counts.</summary>
    /// <param name="predicted">Class of each image.</param>
    /// <param name="truth">True class of each.</param>
    /// <param name="unseen">The unseen classes; null without a split.</param>
    /// <exception cref="ArgumentException">The lists differ in length or are empty, or a side of the split has no images.</exception>
    public static ClassificationScores Of(IReadOnlyList<int> predicted, IReadOnlyList<int> truth, IReadOnlyCollection<int>? unseen = null)
    {
        if (predicted.Count != truth.Count || truth.Count == 0)
        {
            throw new ArgumentException(
                $"{predicted.Count} predictions for {truth.Count} images; expected one for each, and at least one.",
                nameof(predicted)
            );
        }

        var accuracy = Share(_ => true, "all");
        return unseen is null ? new(accuracy) : new(accuracy, Share(c => !unseen.Contains(c), "seen"), Share(unseen.Contains, "unseen"));

        double Share(Func<int, bool> side, string name)
        {
            int[] rows = [.. Enumerable.Range(0, truth.Count).Where(i => side(truth[i]))];
            return rows.Length > 0
                ? rows.Count(i => predicted[i] == truth[i]) / (double)rows.Length
                : throw new ArgumentException($"No image is of one of {name} classes.", nameof(truth));
        }
    }
}

/// <summary>How right the surest labels are (<c>docs/methods.md</c> §8, AiR's figure 4).</summary>
/// <param name="PerClass">
/// Of the images that each class is surest of, n or as many as there are of the class, the share that are of it; mean over the classes.
/// </param>
/// <param name="Overall">Of the n images with the highest confidence at all, the share whose most probable class is right.</param>
/// <param name="Pool">Of all images, the share whose most probable class is right.</param>
internal sealed record PseudoLabelAccuracy(double PerClass, double Overall, double Pool)
{
    /// <summary>Number of images in the paper.</summary>
    public const int Images = 50;

    /// <summary>Counts.</summary>
    /// <param name="probabilities">[N, C]; a class whose column is all 0, or that has no image, is left out.</param>
    /// <param name="truth">True classes.</param>
    /// <param name="classes">C.</param>
    /// <param name="images">n.</param>
    public static PseudoLabelAccuracy Of(ReadOnlyMemory<float> probabilities, IReadOnlyList<int> truth, int classes, int images = Images)
    {
        var chosen = PseudoLabels.TopKPerClass.Select(probabilities.Span, classes, images);
        // A class of fewer than n images could never be all right otherwise.
        int[] most = [.. Enumerable.Range(0, classes).Select(c => Math.Min(images, truth.Count(t => t == c)))];
        double[] shares =
        [
            .. Enumerable
                .Range(0, classes)
                .Where(c => most[c] > 0 && Enumerable.Range(0, truth.Count).Any(i => probabilities.Span[i * classes + c] > 0))
                .Select(c => chosen[c].Take(most[c]).Count(i => truth[i] == c) / (double)most[c]),
        ];
        int[] best =
        [
            .. Enumerable.Range(0, truth.Count).Select(i => Heads.CosineHead.ArgMax(probabilities.Span.Slice(i * classes, classes))),
        ];
        int[] surest =
        [
            .. Enumerable
                .Range(0, truth.Count)
                .OrderByDescending(i => probabilities.Span[i * classes + best[i]])
                .ThenBy(i => i)
                .Take(images),
        ];
        return new(
            shares.Average(),
            surest.Count(i => best[i] == truth[i]) / (double)surest.Length,
            best.Where((b, i) => b == truth[i]).Count() / (double)best.Length
        );
    }
}
