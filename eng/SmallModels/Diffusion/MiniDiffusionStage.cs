using System.Diagnostics;
using AirMLNet.Optimisation;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>
/// The loop that both stages of <see cref="MiniDiffusionTrainer"/> share: AdamW with warm-up and cosine, an average of the
/// weights, checkpoints that a run goes on from bit for bit.
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
    private const int WarmUpSteps = 100;
    private const double WeightDecay = 0.01;
    private const double GradientNorm = 1.0;

    /// <summary>Trains a model and leaves the averaged weights in it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="loss">The loss of a step, a scalar with gradient.</param>
    /// <returns>Seconds over all runs.</returns>
    /// <exception cref="ArithmeticException">The loss is not a number; the last checkpoint stays.</exception>
    public double Run(nn.Module model, Func<int, Tensor> loss)
    {
        var folder = Path.Combine(options.OutputFolder, "checkpoint", name);
        using var optimizer = optim.AdamW(model.parameters(), lr: learningRate, weight_decay: WeightDecay);
        using var average = new WeightAverage(model, options.AverageDecay);
        var (start, before) = TrainingCheckpoint.Load(folder, settings, model, optimizer, average);
        model.train();
        var clock = Stopwatch.StartNew();
        for (var step = start; step < steps; step++)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            foreach (var group in optimizer.ParamGroups)
            {
                group.LearningRate = LearningRateSchedule.RampedCosine(learningRate, step, steps, WarmUpSteps);
            }
            using (NewDisposeScope())
            {
                var value = loss(step);
                // Before the step: weights that are not numbers must not get into a checkpoint.
                var number = Finite(value, step);
                optimizer.zero_grad();
                value.backward();
                nn.utils.clip_grad_norm_(model.parameters(), GradientNorm);
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
