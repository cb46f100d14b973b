using System.Diagnostics;
using AirMLNet.Clip;
using AirMLNet.Layers;
using AirMLNet.Llava;
using AirMLNet.Optimisation;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.SmallModels;

/// <summary>
/// Trains LLaVA-NeXT in small: the image tower of mini-clip, frozen, and a projector and a decoder that learn to answer questions about
/// CIFAR-10 photos and collages of them. Resumes from its checkpoint; the same options give the same weights on the same machine.
/// </summary>
public sealed class MiniCaptionerTrainer(MiniCaptionerOptions options)
{
    private const int Merges = 500;
    private const int WarmupSteps = 100;
    private const double WeightDecay = 0.05;
    private const double DecayShare = 0.2;

    private string Checkpoint => Path.Combine(options.OutputFolder, "checkpoint");

    /// <summary>Trains (or goes on training), writes the model folder with its card, and measures it.</summary>
    /// <exception cref="IOException">The data folder lacks a file or the output folder cannot be written.</exception>
    /// <exception cref="InvalidOperationException">The output folder holds the checkpoint of a run with other settings.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the last checkpoint stays.</exception>
    public MiniCaptionerResult Train()
    {
        using var data = Cifar10.Open(options.DataFolder);
        var seconds = Fit(data);
        var result = new MiniCaptionerEvaluation(options).Measure(data, seconds);
        MiniCaptionerFiles.WriteCard(options, result);
        if (Directory.Exists(Checkpoint))
        {
            Directory.Delete(Checkpoint, recursive: true);
        }

        return result;
    }

    /// <summary>Writes the model folder without measuring it; returns the seconds spent over all runs.</summary>
    internal double Fit(Cifar10 data)
    {
        Directory.CreateDirectory(options.OutputFolder);
        using var threads = new ThreadCount(options.Threads);
        using var scope = NewDisposeScope();
        using var clip = ClipModel.Load(options.ClipFolder);
        var vocabulary = LlamaVocabulary.Learn(new PhotoTexts(options.Seed).Corpus(4000), Merges, options.OutputFolder);
        var config = MiniCaptionerFiles.Config(clip.Config.Vision, vocabulary);
        using var model = new LlavaNextModel(config);
        using var generator = new Generator((ulong)options.Seed);
        MiniCaptionerFiles.Initialise(model, clip, generator);
        MiniCaptionerFiles.WriteProcessor(options, config);
        var batches = new MiniCaptionerBatches(
            data,
            LlamaTokenizer.Load(options.OutputFolder),
            LlavaImageProcessor.Load(options.OutputFolder, config),
            options
        );
        var seconds = Optimise(model, batches);
        model.Save(options.OutputFolder, ScalarType.Float16);
        return seconds;
    }

    private double Optimise(LlavaNextModel model, MiniCaptionerBatches batches)
    {
        var learned = model.named_parameters().Where(p => p.parameter.requires_grad).ToList();
        using var optimizer = optim.AdamW(
            [Group(learned.Where(p => p.parameter.dim() >= 2), WeightDecay), Group(learned.Where(p => p.parameter.dim() < 2), 0)],
            lr: options.LearningRate
        );
        var weights = learned.ToDictionary(p => p.name, p => (Tensor)p.parameter, StringComparer.Ordinal);
        var run = Path.Combine(Checkpoint, "run");
        var (start, before) = TrainingCheckpoint.Load(run, options.Settings, weights, optimizer);
        var clock = Stopwatch.StartNew();
        var smooth = double.NaN;
        for (var step = start; step < options.Steps; step++)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            foreach (var group in optimizer.ParamGroups)
            {
                group.LearningRate = LearningRateSchedule.Trapezoid(options.LearningRate, step, options.Steps, WarmupSteps, DecayShare);
            }

            var loss = Step(model, optimizer, batches.Make(step));
            if (!double.IsFinite(loss))
            {
                throw new TrainingDivergedException($"The loss is {loss} in step {step}; a lower learning rate may help.");
            }

            smooth = double.IsNaN(smooth) ? loss : smooth + (0.05 * (loss - smooth));
            if (step % 10 == 9 || step == options.Steps - 1)
            {
                options.Progress?.Report(
                    new(
                        "MiniCaptionerTrainer",
                        "projector and decoder",
                        step + 1,
                        options.Steps,
                        smooth,
                        (step + 1 - start) * options.BatchSize / clock.Elapsed.TotalSeconds
                    )
                );
            }

            if ((step + 1) % options.CheckpointEvery == 0 || step == options.Steps - 1)
            {
                TrainingCheckpoint.Save(run, options.Settings, weights, optimizer, step + 1, before + clock.Elapsed.TotalSeconds);
            }
        }

        return before + clock.Elapsed.TotalSeconds;
    }

    private AdamW.ParamGroup Group(IEnumerable<(string name, Parameter parameter)> parameters, double decay) =>
        new(parameters.Select(p => p.parameter), options.LearningRate, 0.9, 0.98, weight_decay: decay);

    private static double Step(LlavaNextModel model, optim.Optimizer optimizer, MiniCaptionerBatch batch)
    {
        using var scope = NewDisposeScope();
        var asked = batch.After.size(1);
        var states = model.Language.Forward(Prompt(model, batch)); // [B, L, W]
        // The state before the first learned token is that of the question's last one.
        var logits = model.Language.Logits(states.narrow(1, states.size(1) - asked, asked)); // [B, L₁, V]
        var loss = F.cross_entropy(logits.flatten(0, 1), batch.Targets.flatten(), ignore_index: -100);
        optimizer.zero_grad();
        loss.backward();
        nn.utils.clip_grad_norm_(model.parameters().Where(p => p.requires_grad), 1.0);
        optimizer.step();
        return loss.item<float>();
    }

    /// <summary>The embeddings of a batch: what is before the image, the image, and what follows, [B, L, W].</summary>
    internal static Tensor Prompt(LlavaNextModel model, MiniCaptionerBatch batch)
    {
        using var scope = NewDisposeScope();
        var count = batch.Pixels.size(0);
        Tensor places;
        using (no_grad())
        {
            // A photo as large as a tile is twice the same picture.
            var isOneTile = batch.Pixels.size(1) == 2 && batch.Height == batch.Pixels.size(3) && batch.Width == batch.Pixels.size(4);
            // [B·tiles, P, W of the tower]
            places = isOneTile ? model.Places(batch.Pixels.select(1, 0)).repeat_interleave(2, 0) : model.Places(batch.Pixels.flatten(0, 1));
        }

        var projected = model.Project(places).unflatten(0, count, -1); // [B, tiles, P, W]
        var images = stack([.. Enumerable.Range(0, (int)count).Select(i => model.Pack(projected[i], batch.Height, batch.Width))]);
        var before = model.Language.Embed(batch.Before.unsqueeze(0)).expand(count, -1, -1);
        return cat([before, images, model.Language.Embed(batch.After)], 1).MoveToOuterDisposeScope();
    }
}
