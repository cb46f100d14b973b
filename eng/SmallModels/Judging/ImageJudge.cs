using AirMLNet.Clip;
using AirMLNet.Evaluation;
using AirMLNet.Images;
using AirMLNet.Layers;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>
/// Names images of the ten kinds of CIFAR-10, by a linear probe that was fitted on real photos and by CLIP's names of classes.
/// </summary>
internal sealed class ImageJudge : IDisposable
{
    private readonly ClipBackbone _backbone;
    private readonly LinearProbe _probe;
    private readonly Tensor _texts; // [C, D]

    /// <param name="clipFolder">A CLIP model.</param>
    /// <param name="data">The photos; the last 5,000 of the training set, which no model of this project saw, are the probe's.</param>
    /// <param name="probePhotos">How many of them, at most.</param>
    public ImageJudge(string clipFolder, Cifar10 data, int probePhotos = int.MaxValue)
    {
        _backbone = ClipBackbone.Acquire(clipFolder);
        using var scope = NewDisposeScope();
        const int first = Cifar10.MostTrainingPhotos;
        int[] photos = [.. Enumerable.Range(first, Math.Min(probePhotos, data.Count(Cifar10Split.Train) - first))];
        var features = Encode([.. photos.Select(i => data.GetImage(Cifar10Split.Train, i))]); // [N, D]
        var labels = tensor(photos.Select(i => (long)data.GetLabel(Cifar10Split.Train, i)).ToArray()); // [N]
        _probe = LinearProbe.Choose(features, labels, Cifar10.ClassNames.Count);
        _texts = _backbone.EncodeTexts([.. Cifar10.ClassNames.Select(name => $"a photo of a {name}.")]).DetachFromDisposeScope();
    }

    /// <summary>Number of CLIP's weights.</summary>
    public long Parameters => _backbone.Model.parameters().Sum(p => p.numel());

    /// <summary>The share of images that are named as they should be.</summary>
    /// <param name="images">N images of any size.</param>
    /// <param name="labels">N class indices.</param>
    public RecognisedShares Shares(IReadOnlyList<RgbImage> images, IReadOnlyList<int> labels)
    {
        using var scope = NewDisposeScope();
        var features = Encode(images); // [N, D]
        var wanted = tensor(labels.Select(l => (long)l).ToArray());
        var named = features.matmul(_texts.t()).argmax(1).eq(wanted).to_type(ScalarType.Float64).mean().item<double>();
        return new(_probe.Accuracy(features, wanted), named);
    }

    public void Dispose()
    {
        _probe.Dispose();
        _texts.Dispose();
        _backbone.Release();
    }

    private Tensor Encode(IReadOnlyList<RgbImage> images) =>
        Tensors.Of(ClipImages.Encode(_backbone, images.Count, i => images[i]), [images.Count, _backbone.FeatureDimension]);
}

/// <summary>Share of images that two judges take for the class that was asked for, 0 to 1.</summary>
/// <param name="Probe">A linear probe on CLIP features, fitted on real photos.</param>
/// <param name="ZeroShot">CLIP itself, with "a photo of a {name}."</param>
public sealed record RecognisedShares(double Probe, double ZeroShot);
