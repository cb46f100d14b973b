using AirMLNet.Clip;
using AirMLNet.Optimisation;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.FineTuning;

/// <summary>How a CLIP model's weights are moved: OpenCLIP's settings (<c>docs/methods.md</c> §5.3).</summary>
internal sealed record FineTuneSchedule
{
    public required double LearningRate { get; init; }

    /// <summary>W, the steps of the linear warm-up.</summary>
    public int WarmUpSteps { get; init; }

    public double WeightDecay { get; init; } = 0.2;

    public double Beta1 { get; init; } = 0.9;

    public double Beta2 { get; init; } = 0.98;

    public double Epsilon { get; init; } = 1e-6;

    /// <summary>The rate of step s of S.</summary>
    public double At(int step, int steps) => LearningRateSchedule.RampThenCosine(LearningRate, step, steps, WarmUpSteps);
}

/// <summary>
/// AdamW in OpenCLIP's two groups: weights of two dimensions or more decay; biases, norms, the scale of the logits and all other vectors
/// do not.
/// </summary>
internal sealed class FineTuneOptimizer : IDisposable
{
    private readonly ClipModel _model;
    private readonly FineTuneSchedule _schedule;

    public FineTuneOptimizer(ClipModel model, FineTuneSchedule schedule)
    {
        (_model, _schedule) = (model, schedule);
        List<Parameter> parameters = [.. model.parameters()];
        AdamW.ParamGroup Group(bool decays) =>
            new(
                parameters.Where(p => p.dim() >= 2 == decays),
                beta1: schedule.Beta1,
                beta2: schedule.Beta2,
                eps: schedule.Epsilon,
                weight_decay: decays ? schedule.WeightDecay : 0
            );
        Inner = optim.AdamW(
            [Group(decays: true), Group(decays: false)],
            schedule.LearningRate,
            schedule.Beta1,
            schedule.Beta2,
            schedule.Epsilon
        );
    }

    /// <summary>What a checkpoint saves.</summary>
    public OptimizerHelper Inner { get; }

    /// <summary>Takes the rate of step s of S, and the gradients of the step before away.</summary>
    public void Begin(int step, int steps)
    {
        foreach (var group in Inner.ParamGroups)
        {
            group.LearningRate = _schedule.At(step, steps);
        }

        Inner.zero_grad();
    }

    /// <summary>Moves the weights by their gradients and keeps the scale of the logits in bounds.</summary>
    public void Step()
    {
        Inner.step();
        ContrastiveLoss.ClampScale(_model.logit_scale);
    }

    public void Dispose() => Inner.Dispose();
}
