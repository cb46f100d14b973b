using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace AirMLNet.Evaluation;

/// <summary>
/// Multinomial logistic regression on frozen features with all labels: what the features allow when nothing has to be
/// guessed, the usual yardstick of an image tower (Radford et al. 2021, appendix A.3).
/// </summary>
public static class LinearProbe
{
    /// <summary>Fits on one set of features and returns the accuracy on another.</summary>
    /// <param name="trainFeatures">[N, D].</param>
    /// <param name="trainLabels">[N], int64, 0 to C - 1.</param>
    /// <param name="testFeatures">[M, D].</param>
    /// <param name="testLabels">[M], int64.</param>
    /// <param name="classes">C.</param>
    /// <param name="l2">Weight of the squared norm of the standardised weights in the loss.</param>
    /// <returns>Share of the test rows named right, 0 to 1.</returns>
    public static double Accuracy(Tensor trainFeatures, Tensor trainLabels, Tensor testFeatures, Tensor testLabels, int classes, double l2 = 1e-4)
    {
        const int steps = 400;
        using var scope = NewDisposeScope();
        var mean = trainFeatures.mean([0], keepdim: true);                                  // [1, D]
        var std = (trainFeatures - mean).pow(2).mean([0], keepdim: true).sqrt() + 1e-6;     // [1, D]
        var x = (trainFeatures - mean) / std;                                               // [N, D]
        var weight = Parameter(zeros(trainFeatures.shape[1], classes));                     // [D, C]; convex, so no random start
        var bias = Parameter(zeros(classes));
        using var optimizer = optim.Adam([weight, bias], lr: 0.05);
        for (var step = 0; step < steps; step++)
        {
            using var inner = NewDisposeScope();
            optimizer.ParamGroups.Single().LearningRate = 0.05 * 0.5 * (1 + Math.Cos(Math.PI * step / steps));
            var loss = functional.cross_entropy(x.matmul(weight) + bias, trainLabels) + weight.pow(2).sum() * l2;
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
        }

        using (no_grad())
        {
            var predicted = (((testFeatures - mean) / std).matmul(weight) + bias).argmax(1); // [M]
            return predicted.eq(testLabels).to_type(ScalarType.Float64).mean().item<double>();
        }
    }
}
