using AirMLNet.Images;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.SmallModels;

/// <summary>What a judge saw of objects that should be there.</summary>
/// <param name="Recall">Share of them that it saw, 0 to 1.</param>
/// <param name="Precision">Share of what it saw that should be there, 0 to 1.</param>
/// <param name="OfClass">The recall of each class; NaN where none should be there.</param>
internal sealed record SeenShares(double Recall, double Precision, IReadOnlyList<double> OfClass);

/// <summary>
/// Says which objects a scene shows, for judging generated ones and for nothing else: a logistic regression of each class on the largest
/// and the mean features over the places of the published ResNet-18, fitted with all labels of scenes that no model learns from.
/// </summary>
internal sealed class SceneJudge : IDisposable
{
    private const int Steps = 400;
    private const double Decay = 1e-4;
    private readonly SceneMaps _maps;
    private readonly Tensor _weight; // [C, 1024]
    private readonly Tensor _bias; // [C]
    private readonly Tensor _mean; // [1024]
    private readonly Tensor _deviation; // [1024]

    /// <param name="maps">Makes and keeps features; stays the caller's.</param>
    /// <param name="scenes">Scenes to learn from, a multiple of 500.</param>
    /// <param name="held">Scenes to be measured on.</param>
    /// <param name="cancellation">Ends the work.</param>
    public SceneJudge(SceneMaps maps, int scenes, int held, CancellationToken cancellation = default)
    {
        _maps = maps;
        using var scope = NewDisposeScope();
        using var seen = maps.Take(SceneMaps.Judged, scenes, null, cancellation);
        var (features, labels) = (Pooled(seen.Places), seen.Labels()); // [N, 1024], [N, C]
        (_mean, _deviation) = (features.mean([0]).DetachFromDisposeScope(), features.std(0).add(1e-3).DetachFromDisposeScope());
        var input = features.sub(_mean).div(_deviation);
        var weight = new Parameter(zeros([labels.size(1), input.size(1)]));
        var bias = new Parameter(zeros([labels.size(1)]));
        using var optimizer = optim.Adam(new[] { weight, bias }, lr: 0.01);
        for (var step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            optimizer.zero_grad();
            F.binary_cross_entropy_with_logits(F.linear(input, weight, bias), labels).add(weight.square().sum().mul(Decay)).backward();
            optimizer.step();
        }
        (_weight, _bias) = (weight.detach().DetachFromDisposeScope(), bias.detach().DetachFromDisposeScope());
        using var unseen = maps.Take(SceneMaps.Judged + scenes, held, null, cancellation);
        Real = Shares(unseen.Places, unseen.Objects);
    }

    /// <summary>What it sees of real scenes of the training drawings that it has not learned from.</summary>
    public SeenShares Real { get; }

    /// <summary>What it sees of images.</summary>
    /// <param name="images">N images of any size.</param>
    /// <param name="objects">Which classes each should show.</param>
    public SeenShares Shares(IReadOnlyList<RgbImage> images, IReadOnlyList<int[]> objects)
    {
        using var places = _maps.Features.Places(images.Count, i => images[i]);
        return Shares(places, objects);
    }

    private SeenShares Shares(Tensor places, IReadOnlyList<int[]> objects)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var logits = F.linear(Pooled(places).sub(_mean).div(_deviation), _weight, _bias); // [N, C]
        var classes = (int)logits.size(1);
        var seen = logits.gt(0).data<bool>().ToArray();
        int[] wanted = new int[classes],
            found = new int[classes];
        for (var i = 0; i < objects.Count; i++)
        {
            foreach (var c in objects[i])
            {
                wanted[c]++;
                found[c] += seen[(i * classes) + c] ? 1 : 0;
            }
        }
        return new(
            (double)found.Sum() / wanted.Sum(),
            (double)found.Sum() / Math.Max(1, seen.Count(s => s)),
            [.. found.Zip(wanted, (f, w) => (double)f / w)]
        );
    }

    private static Tensor Pooled(Tensor places) => cat([places.amax([1]), places.mean([1])], 1); // [N, 1024]

    public void Dispose()
    {
        _weight.Dispose();
        _bias.Dispose();
        _mean.Dispose();
        _deviation.Dispose();
    }
}
