namespace AirMLNet.SmallModels;

/// <summary>The two figures of the model card, measured on the folder as it was written (float16 weights).</summary>
internal static class MiniClipEvaluation
{
    public static MiniClipResult Measure(string folder, Cifar10 data, double seconds)
    {
        using var judge = new ImageJudge(folder, data);
        var shares = judge.Shares(
            [.. Enumerable.Range(0, data.Count(Cifar10Split.Test)).Select(i => data.GetImage(Cifar10Split.Test, i))],
            [.. Enumerable.Range(0, data.Count(Cifar10Split.Test)).Select(i => data.GetLabel(Cifar10Split.Test, i))]
        );
        return new(shares.ZeroShot, shares.Probe, seconds, judge.Parameters);
    }
}
