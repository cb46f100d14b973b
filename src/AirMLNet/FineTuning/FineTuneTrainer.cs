using System.Diagnostics;
using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Layers;
using AirMLNet.Optimisation;
using AirMLNet.Options;
using static TorchSharp.torch;

namespace AirMLNet.FineTuning;

/// <summary>How long and in which batches a model is fine-tuned.</summary>
internal sealed record FineTunePlan
{
    public required int Epochs { get; init; }

    /// <summary>The most steps, however many epochs that are; null for no limit.</summary>
    public int? MostSteps { get; init; }

    /// <summary>
    /// Images per step. Where there are fewer rows, all of them are one batch; otherwise an incomplete last batch is left out.
    /// </summary>
    public required int BatchSize { get; init; }

    /// <summary>Images that are encoded with a graph at a time.</summary>
    public required int Chunk { get; init; }

    public required FineTuneSchedule Schedule { get; init; }

    public required int Seed { get; init; }

    /// <summary>Where checkpoints go; null for none.</summary>
    public string? CheckpointFolder { get; init; }

    /// <summary>Steps between checkpoints; the last step has one always.</summary>
    public int CheckpointSteps { get; init; } = 100;

    /// <summary>All that the run depends on: a checkpoint of other settings is refused.</summary>
    public string Settings { get; init; } = "";

    public CancellationToken CancellationToken { get; init; }
}

/// <summary>Fine-tunes both towers of a CLIP model and the scale of its logits by an objective. Free of ML.NET.</summary>
internal static class FineTuneTrainer
{
    private const int OrderStream = 21;

    /// <summary>Steps of an epoch and in all.</summary>
    public static (int PerEpoch, int All) Steps(FineTunePlan plan, int rows)
    {
        var perEpoch = Math.Max(1, rows / plan.BatchSize);
        return (perEpoch, (int)Math.Min((long)perEpoch * plan.Epochs, plan.MostSteps ?? int.MaxValue));
    }

    /// <summary>Trains the model's weights in place; continues from a checkpoint where there is one.</summary>
    /// <param name="model">The model, in float32; all its weights change.</param>
    /// <param name="rows">N.</param>
    /// <param name="images">Gives pixels.</param>
    /// <param name="objective">Gives the loss.</param>
    /// <param name="plan">How long and how.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="half">Computes in bfloat16; null computes with the model itself.</param>
    /// <exception cref="TrainingDivergedException">The loss is not finite; the message names the step.</exception>
    /// <exception cref="InvalidOperationException">The checkpoint was made with other settings.</exception>
    public static void Run(
        ClipModel model,
        int rows,
        FineTuneImages images,
        IFineTuneObjective objective,
        FineTunePlan plan,
        IProgress<ProgressReport>? progress = null,
        HalfCopy? half = null
    )
    {
        var (perEpoch, steps) = Steps(plan, rows);
        var size = Math.Min(plan.BatchSize, rows);
        var device = model.logit_scale.device;
        var towers = half?.Towers ?? ClipTowers.Of(model);
        var pixelSize = model.Config.Vision.ImageSize;
        using var optimizer = new FineTuneOptimizer(model, plan.Schedule);
        var state = model.state_dict().Concat(objective.State).ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal);
        using var alone = plan.CheckpointFolder is { } place ? FolderLock.Take(place) : null;
        var (start, before) = plan.CheckpointFolder is { } folder
            ? TrainingCheckpoint.Load(folder, plan.Settings, state, optimizer.Inner)
            : (0, 0);
        var clock = Stopwatch.StartNew();
        for (var step = start; step < steps; step++)
        {
            plan.CancellationToken.ThrowIfCancellationRequested();
            var epoch = step / perEpoch;
            if (step == start || step % perEpoch == 0)
            {
                objective.BeginEpoch(epoch, resumed: step % perEpoch != 0);
            }

            using (NewDisposeScope())
            {
                var batch = Rows(plan.Seed, rows, size, perEpoch, step);
                var next = step + 1 < steps ? Rows(plan.Seed, rows, size, perEpoch, step + 1) : null;
                var pixels = Tensors.Of(images.Take(step, batch, next), [size, 3, pixelSize, pixelSize], device);
                optimizer.Begin(step, steps);
                half?.Refresh();
                var at = step;
                var loss = FineTuneStep.Backward(
                    towers,
                    pixels,
                    batch,
                    objective,
                    plan.Chunk,
                    () => $"epoch {epoch + 1}, step {at + 1} of {steps}",
                    plan.CancellationToken.ThrowIfCancellationRequested
                );
                half?.CarryGradients();
                objective.AfterBackward();
                optimizer.Step();
                progress?.Report(new(nameof(FineTuneTrainer), $"epoch {epoch + 1}", step + 1, steps, loss));
            }

            if (plan.CheckpointFolder is { } to && ((step + 1) % plan.CheckpointSteps == 0 || step + 1 == steps))
            {
                TrainingCheckpoint.Save(to, plan.Settings, state, optimizer.Inner, step + 1, before + clock.Elapsed.TotalSeconds);
            }
        }
    }

    /// <summary>The rows of a step: each epoch has an order of its own, the same whether or not the run was interrupted.</summary>
    internal static long[] Rows(int seed, int rows, int size, int perEpoch, int step)
    {
        var order = Enumerable.Range(0, rows).Select(i => (long)i).ToArray();
        SeededRandom.Create(seed, OrderStream, step / perEpoch).Shuffle(order);
        return order.AsSpan(step % perEpoch * size, size).ToArray();
    }
}
