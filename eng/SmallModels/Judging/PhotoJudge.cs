using AirMLNet.Evaluation;
using AirMLNet.Images;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>Says of images whether they show what they should.</summary>
internal interface IImageJudge
{
    /// <summary>Share of the test photos that are named right, 0 to 1.</summary>
    double TestAccuracy { get; }

    /// <summary>The share of images that are named as they should be, 0 to 1.</summary>
    /// <param name="images">N images of any size.</param>
    /// <param name="labels">N class indices.</param>
    double Share(IReadOnlyList<RgbImage> images, IReadOnlyList<int> labels);
}

/// <summary>
/// Names images of the ten kinds of CIFAR-10, for judging generated ones and for nothing else: a logistic regression on the features of
/// the published ResNet-18, fitted with the labels of all 50,000 training photos.
/// </summary>
internal sealed class PhotoJudge : IImageJudge, IDisposable
{
    private readonly ResNetFeatures _features;
    private readonly LinearProbe _classifier;

    /// <param name="data">The photos.</param>
    /// <param name="cache">Folder in which their features are kept.</param>
    /// <param name="done">Told how many photos are done.</param>
    /// <param name="cancellation">Checked every 5,000 photos.</param>
    public PhotoJudge(Cifar10 data, string cache, Action<int>? done = null, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        _features = ResNetFeatures.Published();
        var count = data.Count(Cifar10Split.Train);
        var photos = _features.Photos(data, Cifar10Split.Train, 0, count, cache, done, cancellation);
        _classifier = new LinearProbe(photos, Labels(data, Cifar10Split.Train), Cifar10.ClassNames.Count);
        var test = _features.Photos(data, Cifar10Split.Test, 0, data.Count(Cifar10Split.Test), cache, null, cancellation);
        TestAccuracy = _classifier.Accuracy(test, Labels(data, Cifar10Split.Test));
    }

    public double TestAccuracy { get; }

    public double Share(IReadOnlyList<RgbImage> images, IReadOnlyList<int> labels)
    {
        using var scope = NewDisposeScope();
        return _classifier.Accuracy(_features.Of(images.Count, i => images[i]), tensor(labels.Select(l => (long)l).ToArray()));
    }

    public void Dispose()
    {
        _classifier.Dispose();
        _features.Dispose();
    }

    private static Tensor Labels(Cifar10 data, Cifar10Split split) =>
        tensor(Enumerable.Range(0, data.Count(split)).Select(i => (long)data.GetLabel(split, i)).ToArray());
}
