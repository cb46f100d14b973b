using AirMLNet.Clip;
using AirMLNet.Data;
using AirMLNet.Evaluation;
using static TorchSharp.torch;

namespace AirMLNet.Training;

/// <summary>The two figures of the model card, measured on the folder as it was written (float16 weights).</summary>
internal static class MiniClipEvaluation
{
    /// <summary>Photos for the probe start here: no training run uses more than the photos before.</summary>
    public const int FirstProbePhoto = 45_000;

    private const int BatchSize = 250;

    public static MiniClipResult Measure(string folder, Cifar10 data, double seconds)
    {
        var backbone = ClipBackbone.Acquire(folder);
        try
        {
            using var scope = NewDisposeScope();
            var (test, testLabels) = Encode(backbone, data, Cifar10Split.Test, 0, 10_000);
            var (train, trainLabels) = Encode(backbone, data, Cifar10Split.Train, FirstProbePhoto, 50_000 - FirstProbePhoto);
            var texts = backbone.EncodeTexts([.. Cifar10.ClassNames.Select(name => $"a photo of a {name}.")]); // [C, D]
            var zeroShot = test.matmul(texts.t()).argmax(1).eq(testLabels).to_type(ScalarType.Float64).mean().item<double>();
            var probe = LinearProbe.Accuracy(train, trainLabels, test, testLabels, Cifar10.ClassNames.Count);
            return new(zeroShot, probe, seconds, backbone.Model.parameters().Sum(p => p.numel()));
        }
        finally
        {
            backbone.Release();
        }
    }

    private static (Tensor Features, Tensor Labels) Encode(ClipBackbone backbone, Cifar10 data, Cifar10Split split, int first, int count)
    {
        var pixels = new float[BatchSize * 3 * Cifar10.Side * Cifar10.Side];
        var features = new float[count * backbone.FeatureDimension];
        var labels = new long[count];
        for (var start = 0; start < count; start += BatchSize)
        {
            for (var i = 0; i < BatchSize; i++)
            {
                backbone.Preprocessor.Preprocess(data.GetImage(split, first + start + i), pixels.AsSpan(i * pixels.Length / BatchSize, pixels.Length / BatchSize));
                labels[start + i] = data.GetLabel(split, first + start + i);
            }

            backbone.EncodeImages(pixels, BatchSize, features.AsSpan(start * backbone.FeatureDimension, BatchSize * backbone.FeatureDimension));
        }

        return (tensor(features, [count, backbone.FeatureDimension]), tensor(labels));
    }
}
