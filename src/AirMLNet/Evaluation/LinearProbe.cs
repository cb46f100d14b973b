using AirMLNet.Optimisation;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace AirMLNet.Evaluation;

/// <summary>
/// Multinomial logistic regression on frozen features with all labels: what the features allow when nothing has to be
/// guessed, the usual yardstick of an image tower (Radford et al. 2021, appendix A.3).
/// </summary>
internal sealed class LinearProbe : IDisposable
{
    private const int Steps = 400;
    private static readonly double[] Strengths = [1e-4, 1e-3, 3e-3, 1e-2];

    private readonly Tensor _mean,
        _std,
        _weight,
        _bias;

    /// <summary>Fits on features with labels.</summary>
    /// <param name="features">[N, D].</param>
    /// <param name="labels">[N], int64, 0 to C - 1.</param>
    /// <param name="classes">C.</param>
    /// <param name="l2">Weight of the squared norm of the standardised weights in the loss.</param>
    public LinearProbe(Tensor features, Tensor labels, int classes, double l2 = 1e-4)
    {
        using var scope = NewDisposeScope();
        _mean = features.mean([0], keepdim: true).DetachFromDisposeScope(); // [1, D]
        _std = ((features - _mean).pow(2).mean([0], keepdim: true).sqrt() + 1e-6).DetachFromDisposeScope(); // [1, D]
        var x = (features - _mean) / _std; // [N, D]
        var weight = Parameter(zeros(features.shape[1], classes)); // [D, C]; convex, so no random start
        var bias = Parameter(zeros(classes));
        using var optimizer = optim.Adam([weight, bias], lr: 0.05);
        for (var step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            optimizer.ParamGroups.Single().LearningRate = LearningRateSchedule.Cosine(0.05, step, Steps);
            var loss = functional.cross_entropy(x.matmul(weight) + bias, labels) + weight.pow(2).sum() * l2;
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
        }

        using (no_grad())
        {
            _weight = weight.detach().DetachFromDisposeScope();
            _bias = bias.detach().DetachFromDisposeScope();
        }
    }

    /// <summary>
    /// Fits with the weight of the squared norm that is best on the last fifth, when fitted on the rest (Radford et al. 2021, appendix A.3,
    /// choose it so).
    /// </summary>
    /// <param name="features">[N, D], in no order that means anything.</param>
    /// <param name="labels">[N], int64, 0 to C - 1.</param>
    /// <param name="classes">C.</param>
    public static LinearProbe Choose(Tensor features, Tensor labels, int classes)
    {
        using var scope = NewDisposeScope();
        var rest = features.size(0) * 4 / 5;
        var held = features.size(0) - rest;
        var best = Strengths.MaxBy(l2 =>
            Accuracy(
                features.narrow(0, 0, rest),
                labels.narrow(0, 0, rest),
                features.narrow(0, rest, held),
                labels.narrow(0, rest, held),
                classes,
                l2
            )
        );
        return new LinearProbe(features, labels, classes, best);
    }

    /// <summary>The share of features that are named right, 0 to 1.</summary>
    /// <param name="features">[M, D].</param>
    /// <param name="labels">[M], int64.</param>
    public double Accuracy(Tensor features, Tensor labels)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var predicted = (((features - _mean) / _std).matmul(_weight) + _bias).argmax(1); // [M]
        return predicted.eq(labels).to_type(ScalarType.Float64).mean().item<double>();
    }

    /// <summary>
    /// Fits on one set of features and gives the accuracy on another; arguments as of the constructor and
    /// <see cref="Accuracy(Tensor, Tensor)"/>.
    /// </summary>
    public static double Accuracy(
        Tensor trainFeatures,
        Tensor trainLabels,
        Tensor testFeatures,
        Tensor testLabels,
        int classes,
        double l2 = 1e-4
    )
    {
        using var probe = new LinearProbe(trainFeatures, trainLabels, classes, l2);
        return probe.Accuracy(testFeatures, testLabels);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        _mean.Dispose();
        _std.Dispose();
        _weight.Dispose();
        _bias.Dispose();
    }
}
