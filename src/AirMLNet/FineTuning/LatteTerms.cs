using AirMLNet.Clip;
using static TorchSharp.torch;

namespace AirMLNet.FineTuning;

/// <summary>LatteCLIP's loss of a batch, term by term (Eq. 3, each halved over its two directions as OpenCLIP does).</summary>
/// <param name="Mix">Mixed features and weights.</param>
/// <param name="CurrentLoss">L_con with the features mixed for the current labels, a scalar.</param>
/// <param name="ZeroShotLoss">L_con with those for the zero-shot labels.</param>
/// <param name="CurrentLabels">[B] int64.</param>
/// <param name="ZeroShotLabels">[B] int64.</param>
internal sealed record LatteTerms(LatteMix Mix, Tensor CurrentLoss, Tensor ZeroShotLoss, Tensor CurrentLabels, Tensor ZeroShotLabels)
    : IDisposable
{
    /// <param name="images">[B, D] of length 1.</param>
    /// <param name="texts">The texts' features.</param>
    /// <param name="bank">The prototypes.</param>
    /// <param name="current">[B] int64.</param>
    /// <param name="zeroShot">[B] int64.</param>
    /// <param name="scale">A scalar.</param>
    /// <param name="rule">How texts are mixed.</param>
    public static LatteTerms Of(
        Tensor images,
        LatteTexts texts,
        PrototypeBank bank,
        Tensor current,
        Tensor zeroShot,
        Tensor scale,
        MixerRule rule
    )
    {
        var mix = FeatureMixer.Mix(texts, bank, current, zeroShot, rule);
        return new(mix, ContrastiveLoss.Of(images, mix.Current, scale), ContrastiveLoss.Of(images, mix.ZeroShot, scale), current, zeroShot);
    }

    /// <summary>The sum of the terms that count.</summary>
    public Tensor Total(MixerRule rule) =>
        (rule.CurrentLoss, rule.ZeroShotLoss) switch
        {
            (true, true) => CurrentLoss.add(ZeroShotLoss),
            (true, false) => CurrentLoss.mul(1),
            (false, true) => ZeroShotLoss.mul(1),
            _ => throw new ArgumentException("Neither loss counts; expected one or both.", nameof(rule)),
        };

    /// <summary>Copies without gradient that live until this is disposed.</summary>
    public LatteTerms Kept(Tensor current, Tensor zeroShot)
    {
        using var off = no_grad();
        static Tensor Copy(Tensor tensor) => tensor.detach().clone().DetachFromDisposeScope();
        return new(
            new(Copy(Mix.Current), Copy(Mix.ZeroShot), null, null, null, null),
            Copy(CurrentLoss),
            Copy(ZeroShotLoss),
            Copy(current),
            Copy(zeroShot)
        );
    }

    public void Dispose()
    {
        foreach (var tensor in new[] { Mix.Current, Mix.ZeroShot, CurrentLoss, ZeroShotLoss, CurrentLabels, ZeroShotLabels })
        {
            tensor.Dispose();
        }
    }
}
