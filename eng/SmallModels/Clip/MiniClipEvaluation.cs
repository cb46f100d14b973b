namespace AirMLNet.SmallModels;

/// <summary>The two figures of the model card, measured on the folder as it was written (float16 weights).</summary>
internal static class MiniClipEvaluation
{
    /// <param name="folder">The model.</param>
    /// <param name="data">The photos.</param>
    /// <param name="seconds">How long the training took.</param>
    /// <param name="photos">Of how many photos the figures are, at most.</param>
    public static MiniClipResult Measure(string folder, Cifar10 data, double seconds, int photos = int.MaxValue)
    {
        using var judge = new ImageJudge(folder, data, photos);
        photos = Math.Min(photos, data.Count(Cifar10Split.Test));
        var shares = judge.Shares(
            [.. Enumerable.Range(0, photos).Select(i => data.GetImage(Cifar10Split.Test, i))],
            [.. Enumerable.Range(0, photos).Select(i => data.GetLabel(Cifar10Split.Test, i))]
        );
        return new(shares.ZeroShot, shares.Probe, seconds, judge.Parameters);
    }
}
