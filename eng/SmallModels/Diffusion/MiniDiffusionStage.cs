using System.Diagnostics;
using AirMLNet.Optimisation;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>
/// The loop that both stages of <see cref="MiniDiffusionTrainer"/> share: AdamW, a learning rate that rises, stays and falls, an average
/// of the weights, checkpoints that a run goes on from bit for bit. Weights, optimiser and average are float32; where a twin in
/// bfloat16 is given, it computes losses and gradients.
/// </summary>
internal sealed class MiniDiffusionStage(
    MiniDiffusionOptions options,
    string name,
    string settings,
    int steps,
    int batch,
    double learningRate
)
{
    /// <summary>The share of the steps, at the end, in which the learning rate falls.</summary>
    public const double DecayShare = 0.25;

    private const int WarmUpSteps = 100;
    private const double WeightDecay = 0.01;
    private const double GradientNorm = 1.0;

    /// <summary>Trains a model and leaves the averaged weights in it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="twin">The same architecture in the type to compute in, or the model itself.</param>
    /// <param name="loss">The loss of a step by the twin, a scalar with gradient.</param>
    /// <returns>Seconds over all runs.</returns>
    /// <exception cref="ArithmeticException">The loss is not a number; the last checkpoint stays.</exception>
    /// <exception cref="InvalidOperationException">The checkpoint belongs to other settings.</exception>
    public double Run(nn.Module model, nn.Module twin, Func<int, Tensor> loss)
    {
        var folder = Path.Combine(options.OutputFolder, "checkpoint", name);
        Parameter[] weights = [.. model.parameters()],
            computing = [.. twin.parameters()];
        using var optimizer = optim.AdamW(weights, lr: learningRate, weight_decay: WeightDecay);
        using var average = new WeightAverage(model, options.AverageDecay);
        var (start, before) = TrainingCheckpoint.Load(folder, settings, model, optimizer, average);
        twin.train();
        var clock = Stopwatch.StartNew();
        for (var step = start; step < steps; step++)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            foreach (var group in optimizer.ParamGroups)
            {
                group.LearningRate = LearningRateSchedule.Trapezoid(learningRate, step, steps, WarmUpSteps, DecayShare);
            }
            using (NewDisposeScope())
            {
                if (twin != model)
                {
                    Copy(weights, computing);
                }
                var value = loss(step);
                // Before the step: weights that are not numbers must not get into a checkpoint.
                var number = Finite(value, step);
                twin.zero_grad();
                value.backward();
                if (twin != model)
                {
                    Gradients(computing, weights);
                }
                nn.utils.clip_grad_norm_(weights, GradientNorm);
                optimizer.step();
                average.Update();
                if (step % 10 == 9 || step == steps - 1)
                {
                    options.Progress?.Report(
                        new("MiniDiffusionTrainer", name, step + 1, steps, number, (step + 1 - start) * batch / clock.Elapsed.TotalSeconds)
                    );
                }
            }
            if ((step + 1) % options.CheckpointEvery == 0 || step == steps - 1)
            {
                TrainingCheckpoint.Save(folder, settings, model, optimizer, step + 1, before + clock.Elapsed.TotalSeconds, average);
            }
        }
        average.Apply();
        model.eval();
        return before + clock.Elapsed.TotalSeconds;
    }

    private static void Copy(Parameter[] from, Parameter[] to)
    {
        using var off = no_grad();
        for (var i = 0; i < from.Length; i++)
        {
            to[i].copy_(from[i]);
        }
    }

    private static void Gradients(Parameter[] from, Parameter[] to)
    {
        using var off = no_grad();
        for (var i = 0; i < from.Length; i++)
        {
            if (from[i].grad is not { } gradient)
            {
                continue;
            }
            if (to[i].grad is { } known)
            {
                known.copy_(gradient);
            }
            else
            {
                to[i].grad = gradient.to_type(ScalarType.Float32).DetachFromDisposeScope();
            }
        }
    }

    private double Finite(Tensor loss, int step)
    {
        var value = loss.item<float>();
        return float.IsFinite(value)
            ? value
            : throw new ArithmeticException(
                $"The {name}'s loss is {value} in step {step + 1}; the checkpoint before it stays in {options.OutputFolder}. A lower "
                    + $"learning rate may help."
            );
    }
}
