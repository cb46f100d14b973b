using System.Diagnostics;
using System.Globalization;
using AirMLNet.Clip;
using AirMLNet.Layers;
using AirMLNet.Optimisation;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace AirMLNet.SmallModels;

/// <summary>
/// Trains a small CLIP (ViT, patch 4, 32-pixel photos) from scratch with the contrastive loss of Radford et al. 2021,
/// on CIFAR-10 photos with captions that look like web text. Resumes from its checkpoint; the same options give the
/// same weights on the same machine and thread count, interrupted or not.
/// </summary>
public sealed class MiniClipTrainer(MiniClipOptions options)
{
    private const int ContextLength = 32;
    private const int Merges = 700;
    private const int WarmupSteps = 100;
    private const double WeightDecay = 0.1;
    private const double AllPatchesShare = 0.15;

    // What a checkpoint must agree on.
    private string Settings =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"photos {options.Photos}, epochs {options.Epochs}, batch {options.BatchSize}, lr {options.LearningRate}, patches "
                + $"{options.KeepPatches}, names {options.NameShare}, wrong {options.WrongShare}, seed {options.Seed}"
        );

    private string Checkpoint => Path.Combine(options.OutputFolder, "checkpoint");

    /// <summary>Trains (or goes on training), writes the model folder with its card, and measures it.</summary>
    /// <exception cref="IOException">The data folder lacks a file or the output folder cannot be written.</exception>
    /// <exception cref="InvalidOperationException">The output folder holds the checkpoint of a run with other settings.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the last checkpoint stays.</exception>
    public MiniClipResult Train()
    {
        using var data = Cifar10.Open(options.DataFolder);
        var seconds = Fit(data);
        var result = MiniClipEvaluation.Measure(options.OutputFolder, data, seconds, options.JudgedPhotos);
        MiniClipModelFiles.WriteCard(options, result);
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
        using var threads = new ThreadCount(options.Threads > 0 ? options.Threads : Environment.ProcessorCount);

        var captions = new CaptionCorpus(options.NameShare, options.WrongShare, options.Seed);
        var corpus = Enumerable
            .Range(0, options.Photos)
            .SelectMany(i =>
            {
                var label = data.GetLabel(Cifar10Split.Train, i);
                return new[] { captions.Title(i, label), captions.Description(i, label) };
            });
        var vocabulary = BytePairLearner.Learn(corpus, Merges, ContextLength, options.OutputFolder);
        var tokenizer = ClipTokenizer.Load(options.OutputFolder);
        var batches = new MiniClipBatches(data, captions, tokenizer, options);

        var (joint, seconds) = TrainJointly(data, captions, tokenizer, vocabulary);
        using var _ = joint;
        var clock = Stopwatch.StartNew();
        var text = new MiniClipTextStage(options, data, tokenizer);
        using var features = text.ImageFeatures(joint);
        using var model = text.Train(joint, features);
        MiniClipModelFiles.Write(model, options.OutputFolder);
        return seconds + clock.Elapsed.TotalSeconds;
    }

    // The first stage ends in a model folder, so that a run that is cut in the second starts there.
    private (ClipModel Model, double Seconds) TrainJointly(Cifar10 data, CaptionCorpus captions, ClipTokenizer tokenizer, int vocabulary)
    {
        var folder = Path.Combine(Checkpoint, "joint");
        if (TrainingCheckpoint.FinishedStage(folder, Settings) is not { } seconds)
        {
            using var generator = new Generator((ulong)options.Seed);
            using var model = new ClipModel(MiniClipModelFiles.Config(vocabulary, ContextLength), generator);
            seconds = Optimise(model, new MiniClipBatches(data, captions, tokenizer, options));
            model.eval();
            MiniClipModelFiles.Write(model, folder);
            TrainingCheckpoint.FinishStage(folder, Settings, seconds);
        }

        return (ClipModel.Load(folder), seconds);
    }

    private double Optimise(ClipModel model, MiniClipBatches batches)
    {
        var named = model.named_parameters().ToList();
        bool Decays((string name, Parameter parameter) p) =>
            p.parameter.dim() >= 2 && !p.name.Contains("position_embedding", StringComparison.Ordinal);
        using var optimizer = optim.AdamW(
            [
                new AdamW.ParamGroup(named.Where(Decays).Select(p => p.parameter), beta1: 0.9, beta2: 0.98, weight_decay: WeightDecay),
                new AdamW.ParamGroup(named.Where(p => !Decays(p)).Select(p => p.parameter), beta1: 0.9, beta2: 0.98, weight_decay: 0),
            ],
            lr: options.LearningRate,
            beta1: 0.9,
            beta2: 0.98
        );
        var steps = batches.StepsPerEpoch * options.Epochs;
        var (start, secondsBefore) = TrainingCheckpoint.Load(Path.Combine(Checkpoint, "run"), Settings, model, optimizer);
        model.train();
        var clock = Stopwatch.StartNew();
        for (var step = start; step < steps; step++)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            foreach (var group in optimizer.ParamGroups)
            {
                group.LearningRate = LearningRate(step, steps);
            }

            var report = step % 10 == 9 || step == steps - 1;
            var loss = Step(
                model,
                optimizer,
                batches.Make(step, step < steps * (1 - AllPatchesShare) ? options.KeepPatches : 64),
                step,
                report
            );
            if (report)
            {
                options.Progress?.Report(
                    new(
                        "MiniClipTrainer",
                        "both towers",
                        step + 1,
                        steps,
                        loss,
                        (step + 1 - start) * options.BatchSize / clock.Elapsed.TotalSeconds
                    )
                );
            }

            if ((step + 1) % options.CheckpointEvery == 0 || step == steps - 1)
            {
                TrainingCheckpoint.Save(
                    Path.Combine(Checkpoint, "run"),
                    Settings,
                    model,
                    optimizer,
                    step + 1,
                    secondsBefore + clock.Elapsed.TotalSeconds
                );
            }
        }

        return secondsBefore + clock.Elapsed.TotalSeconds;
    }

    private double LearningRate(int step, int steps) => LearningRateSchedule.RampedCosine(options.LearningRate, step, steps, WarmupSteps);

    private static double Step(ClipModel model, optim.Optimizer optimizer, MiniClipBatch batch, int step, bool report)
    {
        using var scope = NewDisposeScope();
        var size = batch.Size;
        var images = functional.normalize(EncodeImages(model, batch), dim: 1); // [B, E]
        var texts = functional.normalize(model.EncodeText(tensor(batch.Tokens, [size, batch.Length])), dim: 1); // [B, E]
        var loss = MiniClipLoss.Contrastive(images, texts, model.logit_scale, batch.Targets);
        optimizer.zero_grad();
        loss.backward();
        nn.utils.clip_grad_norm_(model.parameters(), 1.0);
        optimizer.step();
        ContrastiveLoss.ClampScale(model.logit_scale);
        return report ? MiniClipLoss.Finite(loss, step) : double.NaN;
    }

    private static Tensor EncodeImages(ClipModel model, MiniClipBatch batch)
    {
        var size = batch.Size;
        var pixels = Tensors.Of(batch.Pixels, [size, 3, Cifar10.Side, Cifar10.Side]);
        var tokens = model.Vision.Embed(pixels); // [B, 1+P, W]
        var width = tokens.shape[2];
        var keep = batch.Kept.Length / size;
        if (keep < tokens.shape[1] - 1)
        {
            var index = tensor(batch.Kept, [size, keep, 1]) + 1; // after the class token
            var patches = tokens.gather(1, index.expand(size, keep, width)); // [B, K, W]
            tokens = cat([tokens.narrow(1, 0, 1), patches], 1); // [B, 1+K, W]
        }

        return model.EncodeImageTokens(tokens); // [B, E]
    }
}
