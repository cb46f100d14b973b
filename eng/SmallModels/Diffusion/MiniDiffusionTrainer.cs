using AirMLNet.Clip;
using AirMLNet.Diffusion;
using AirMLNet.Layers;
using AirMLNet.Optimisation;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.SmallModels;

/// <summary>
/// Trains a latent diffusion model (Rombach et al. 2022) in small: an autoencoder, then a text-conditioned UNet on its
/// latents, on CIFAR-10 photos with the captions of the small CLIP and its text tower. Resumes from its checkpoint; the same
/// options give the same weights on the same machine and thread count, interrupted or not.
/// </summary>
public sealed class MiniDiffusionTrainer(MiniDiffusionOptions options)
{
    private const double DivergenceWeight = 1e-6;
    private const int EncodeBatch = 250;

    internal static readonly AutoencoderKLConfig VaeConfig = new()
    {
        BlockOutChannels = [16, 32, 64],
        LayersPerBlock = 1,
        LatentChannels = 8,
        NormNumGroups = 8,
        SampleSize = Cifar10.Side,
    };

    internal static readonly UNet2DConditionConfig UNetConfig = new()
    {
        SampleSize = Cifar10.Side / 4,
        InChannels = 8,
        OutChannels = 8,
        DownBlockTypes = [UNet2DConditionConfig.CrossAttnDownBlock, UNet2DConditionConfig.CrossAttnDownBlock],
        UpBlockTypes = [UNet2DConditionConfig.CrossAttnUpBlock, UNet2DConditionConfig.CrossAttnUpBlock],
        BlockOutChannels = [64, 128],
        LayersPerBlock = [1, 1],
        TransformerLayersPerBlock = [1, 1],
        AttentionHeads = [4, 4],
        NormNumGroups = 16,
    };

    /// <summary>SD v1's noise schedule, sampled with DPM-Solver++, which needs few steps.</summary>
    internal static readonly SchedulerConfig Schedule = new()
    {
        Kind = SchedulerKind.DpmSolverMultistep,
        BetaSchedule = "scaled_linear",
        BetaStart = 0.00085,
        BetaEnd = 0.012,
        StepsOffset = 1,
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
        var result = MiniDiffusionEvaluation.Measure(options, data) with { Seconds = seconds };
        MiniDiffusionFiles.WriteCard(options, result);
        Directory.Delete(Path.Combine(options.OutputFolder, "checkpoint"), recursive: true);
        return result;
    }

    /// <summary>Writes the model folder without measuring it; returns the seconds spent over all runs.</summary>
    internal double Fit(Cifar10 photos)
    {
        Directory.CreateDirectory(options.OutputFolder);
        using var threads = new ThreadCount(options.Threads > 0 ? options.Threads : Environment.ProcessorCount);
        using var scope = NewDisposeScope();
        using var data = new MiniDiffusionData(photos, options);
        using var generator = new Generator((ulong)options.Seed);
        using var text = MiniDiffusionFiles.TextEncoder(options.ClipFolder);
        using var vae = new AutoencoderKL(VaeConfig, generator);
        using var unet = new UNet2DConditionModel(UNetConfig with { CrossAttentionDim = text.Config.HiddenSize }, generator);
        var seconds = TrainVae(vae, data);
        var (latents, scale) = Latents(vae, data);
        seconds += TrainUNet(unet, data, latents, text);
        MiniDiffusionFiles.Write(options, unet, vae, scale, text);
        return seconds;
    }

    private double TrainVae(AutoencoderKL vae, MiniDiffusionData data)
    {
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
            step =>
            {
                var random = SeededRandom.Create(options.Seed, 11, step);
                // [B, 3, 32, 32]
                var photos = data.Photos(Rows(data.Members(options.Seed, 10, step, options.VaeBatchSize)), random.Next(2) == 1);
                using var generator = new Generator((ulong)random.Next());
                using var latents = vae.Encode(photos);
                var noise = randn(latents.Mean.shape, generator: generator);
                var restored = vae.Decode(latents.Sample(noise));
                return F.mse_loss(restored, photos).add(latents.Divergence().mean().mul(DivergenceWeight));
            }
        );
    }

    /// <summary>The means of all photos' latents and their mirror images', of deviation 1, and the factor that made it so.</summary>
    /// <returns>[2N, C, h, w], the N mirror images second.</returns>
    private static (Tensor Latents, double Scale) Latents(AutoencoderKL vae, MiniDiffusionData data)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        List<Tensor> parts = [];
        foreach (var mirrored in new[] { false, true })
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

    private double TrainUNet(UNet2DConditionModel unet, MiniDiffusionData data, Tensor latents, ClipTextModel text)
    {
        var (states, captions) = data.EncodeCaptions(text, ClipTokenizer.LoadPadded(options.ClipFolder)); // [U, L, W]
        var schedule = NoiseScheduler.Create(Schedule);
        var times = schedule.Config.NumTrainTimesteps;
        var stage = new MiniDiffusionStage(options, "UNet", options.UNetSettings, options.Steps, options.BatchSize, options.LearningRate);
        return stage.Run(
            unet,
            step =>
            {
                var random = SeededRandom.Create(options.Seed, 13, step);
                var members = data.Members(options.Seed, 12, step, options.BatchSize);
                var clean = latents.index_select(0, tensor(members.Select(m => m + (random.Next(2) * (long)data.Count)).ToArray()));
                var conditions = states.index_select(
                    0,
                    tensor(members.Select(m => random.NextDouble() < options.EmptyShare ? 0 : captions[m]).ToArray())
                );
                var timesteps = tensor(members.Select(_ => (long)random.Next(times)).ToArray()); // [B]
                using var generator = new Generator((ulong)random.Next());
                var noise = randn(clean.shape, generator: generator); // [B, C, h, w]
                return F.mse_loss(
                    unet.Forward(schedule.AddNoise(clean, noise, timesteps), timesteps, conditions),
                    schedule.Target(clean, noise, timesteps)
                );
            }
        );
    }

    private static Tensor Rows(int[] members) => tensor(members.Select(m => (long)m).ToArray());
}
