using AirMLNet.Clip;
using AirMLNet.Diffusion;
using AirMLNet.Layers;
using AirMLNet.Optimisation;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.SmallModels;

/// <summary>
/// Trains a latent diffusion model (Rombach et al. 2022) in small: an autoencoder, then a text-conditioned UNet on its
/// latents together with its own text encoder, on CIFAR-10 photos with captions. Resumes from its checkpoint; the same
/// options give the same weights on the same machine and thread count, interrupted or not.
/// </summary>
/// <param name="options">How.</param>
/// <param name="form">The size of everything; null for that of photos.</param>
internal sealed class MiniDiffusionTrainer(MiniDiffusionOptions options, MiniDiffusionForm? form = null)
{
    private readonly MiniDiffusionForm _form = form ?? MiniDiffusionForm.Photos;

    private const double DivergenceWeight = 1e-6;
    private const int EncodeBatch = 250;
    internal const int TextWidth = 128;
    private const int Merges = 700;
    private const double GreatestWeight = 5;

    /// <summary>SD v1's noise schedule with velocities as the target, sampled with DPM-Solver++, which needs few steps.</summary>
    internal static readonly SchedulerConfig Schedule = new()
    {
        Kind = SchedulerKind.DpmSolverMultistep,
        BetaSchedule = "scaled_linear",
        BetaStart = 0.00085,
        BetaEnd = 0.012,
        StepsOffset = 1,
        PredictionType = "v_prediction",
    };

    /// <summary>Trains (or goes on training), writes the model folder with its card, and measures it.</summary>
    /// <exception cref="IOException">The data folder lacks a file or the output folder cannot be written.</exception>
    /// <exception cref="InvalidOperationException">The output folder holds the checkpoint of a run with other settings.</exception>
    /// <exception cref="ArithmeticException">The loss became something that is not a number; the checkpoint before stays.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the last checkpoint stays.</exception>
    public MiniDiffusionResult Train()
    {
        using var data = Cifar10.Open(options.DataFolder);
        var seconds = Fit(data);
        using var judge = new PhotoJudge(data, options.JudgeFolder, cancellation: options.CancellationToken);
        return Measure(data, judge, seconds);
    }

    /// <summary>Measures the written model folder, writes its card, and removes the checkpoint.</summary>
    internal MiniDiffusionResult Measure(Cifar10 data, IImageJudge judge, double seconds)
    {
        var result = MiniDiffusionEvaluation.Measure(options, data, judge) with { Seconds = seconds };
        MiniDiffusionFiles.WriteCard(options, result);
        Directory.Delete(Path.Combine(options.OutputFolder, "checkpoint"), recursive: true);
        return result;
    }

    /// <summary>Writes the model folder without measuring it; returns the seconds spent over all runs.</summary>
    internal double Fit(Cifar10 photos)
    {
        using var data = MiniDiffusionData.OfPhotos(photos, options);
        return Fit(data);
    }

    /// <summary>The same with any pictures.</summary>
    internal double Fit(MiniDiffusionData data)
    {
        Directory.CreateDirectory(options.OutputFolder);
        using var threads = new ThreadCount(options.Threads > 0 ? options.Threads : Environment.ProcessorCount);
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)options.Seed);
        var tokens = Path.Combine(options.OutputFolder, "tokenizer");
        var vocabulary = BytePairLearner.Learn(data.Captions, Merges, _form.ContextLength, tokens);
        using var vae = new AutoencoderKL(_form.Vae, generator);
        using var model = new ConditionedUNet(_form.UNet, TextConfig(vocabulary), generator);
        var seconds = TrainVae(vae, data);
        var (latents, scale) = Latents(vae, data);
        seconds += TrainUNet(model, data, latents, ClipTokenizer.LoadPadded(tokens));
        MiniDiffusionFiles.Write(options.OutputFolder, model, vae, scale);
        return seconds;
    }

    private ClipTextConfig TextConfig(int vocabulary) =>
        new()
        {
            HiddenSize = TextWidth,
            IntermediateSize = 4 * TextWidth,
            Layers = 2,
            Heads = 2,
            ContextLength = _form.ContextLength,
            VocabularySize = vocabulary,
            Activation = ClipActivation.Gelu,
            StartToken = vocabulary - 2,
            EndToken = vocabulary - 1,
            PadToken = vocabulary - 1,
        };

    // What computes: the model itself in float32, else a copy of the architecture in bfloat16.
    private T Twin<T>(T model, Func<T> another)
        where T : nn.Module
    {
        if (!options.BFloat16)
        {
            return model;
        }
        var twin = another();
        twin.to(ScalarType.BFloat16);
        return twin;
    }

    private double TrainVae(AutoencoderKL vae, MiniDiffusionData data)
    {
        using var generator = new Generator(0);
        var twin = Twin(vae, () => new AutoencoderKL(_form.Vae, generator));
        var stage = new MiniDiffusionStage(
            options,
            "autoencoder",
            options.VaeSettings,
            options.VaeSteps,
            options.VaeBatchSize,
            options.VaeLearningRate
        );
        return stage.Run(
            vae,
            twin,
            step =>
            {
                var random = SeededRandom.Create(options.Seed, 11, step);
                // [B, 3, S, S]
                var photos = data.Photos(
                    Rows(data.Members(options.Seed, 10, step, options.VaeBatchSize)),
                    data.Mirrors && random.Next(2) == 1
                );
                using var generator = new Generator((ulong)random.Next());
                using var latents = twin.Encode(photos.to_type(Type));
                var noise = randn(latents.Mean.shape, generator: generator).to_type(Type);
                var restored = twin.Decode(latents.Sample(noise)).to_type(ScalarType.Float32);
                var divergence = latents.Divergence().to_type(ScalarType.Float32).mean();
                return F.mse_loss(restored, photos).add(divergence.mul(DivergenceWeight));
            }
        );
    }

    private ScalarType Type => options.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <summary>The means of all photos' latents and their mirror images', of deviation 1, and the factor that made it so.</summary>
    /// <returns>[2N, C, h, w], the N mirror images second, where there are such; else [N, C, h, w].</returns>
    private static (Tensor Latents, double Scale) Latents(AutoencoderKL vae, MiniDiffusionData data)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        List<Tensor> parts = [];
        foreach (var mirrored in data.Mirrors ? [false, true] : new[] { false })
        {
            for (var start = 0; start < data.Count; start += EncodeBatch)
            {
                using var inner = NewDisposeScope();
                using var latents = vae.Encode(
                    data.Photos(arange(start, Math.Min(data.Count, start + EncodeBatch), ScalarType.Int64), mirrored)
                );
                parts.Add(latents.Mean.clone().MoveToOuterDisposeScope());
            }
        }
        var all = cat(parts, 0);
        // As it is stored, in config.json: the model must see the scale that it was trained with.
        var scale = Math.Round(1 / all.std().item<float>(), 5);
        return (all.mul_(scale).MoveToOuterDisposeScope(), scale);
    }

    private double TrainUNet(ConditionedUNet model, MiniDiffusionData data, Tensor latents, ClipTokenizer tokenizer)
    {
        using var unused = new Generator(0);
        var twin = Twin(model, () => new ConditionedUNet(_form.UNet, model.Text.Config, unused));
        var schedule = NoiseScheduler.Create(Schedule);
        var times = schedule.Config.NumTrainTimesteps;
        var copies = (int)latents.size(0) / data.Count;
        var weights = tensor(schedule.AlphasCumprod.Select(VelocityWeight).ToArray(), ScalarType.Float32); // [T]
        var stage = new MiniDiffusionStage(options, "UNet", options.UNetSettings, options.Steps, options.BatchSize, options.LearningRate);
        return stage.Run(
            model,
            twin,
            step =>
            {
                var random = SeededRandom.Create(options.Seed, 13, step);
                var members = data.Members(options.Seed, 12, step, options.BatchSize);
                var clean = latents.index_select(0, tensor(members.Select(m => m + (random.Next(copies) * (long)data.Count)).ToArray()));
                var ids = data.Tokens(tokenizer, members, step, [.. members.Select(_ => random.NextDouble() < options.EmptyShare)]);
                // One time from each of B equal parts of the schedule: less noise in the gradient than independent times have.
                var timesteps = tensor(
                    members.Select((_, i) => (long)((i + random.NextDouble()) / members.Length * times)).ToArray() // [B]
                );
                using var generator = new Generator((ulong)random.Next());
                var noise = randn(clean.shape, generator: generator); // [B, C, h, w]
                var predicted = twin.UNet.Forward(
                    schedule.AddNoise(clean, noise, timesteps).to_type(Type),
                    timesteps,
                    twin.Text.Encode(ids)
                );
                return predicted
                    .to_type(ScalarType.Float32)
                    .sub(schedule.Target(clean, noise, timesteps))
                    .square()
                    .mean([1, 2, 3])
                    .mul(weights.index_select(0, timesteps))
                    .mean();
            }
        );
    }

    /// <summary>
    /// The weight of a velocity's squared error that amounts to min(SNR, 5) on the sample's (Hang et al. 2023, "Min-SNR"): a velocity's
    /// error is SNR + 1 times the sample's.
    /// </summary>
    private static double VelocityWeight(double alpha)
    {
        var ratio = alpha / (1 - alpha);
        return Math.Min(ratio, GreatestWeight) / (ratio + 1);
    }

    private static Tensor Rows(int[] members) => tensor(members.Select(m => (long)m).ToArray());
}
