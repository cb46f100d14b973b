using AirMLNet.Diffusion;
using AirMLNet.Images;
using AirMLNet.Optimisation;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>What <see cref="MiniDiffusionTrainer.Train"/> measured on the finished model.</summary>
/// <param name="Generated">Generated images.</param>
/// <param name="Real">Real photos that no training saw.</param>
/// <param name="Noise">Uniform noise.</param>
/// <param name="Images">Number of images in each of the three.</param>
/// <param name="VaeError">Mean squared error of restored test photos, in units where a photo spans −1..1.</param>
/// <param name="SamplingSteps">Denoising steps.</param>
/// <param name="Guidance">Weight of the prompt.</param>
/// <param name="UNetParameters">Weights of the UNet.</param>
/// <param name="VaeParameters">Weights of the autoencoder.</param>
/// <param name="Seconds">Training time over all its runs.</param>
public sealed record MiniDiffusionResult(
    RecognisedShares Generated,
    RecognisedShares Real,
    RecognisedShares Noise,
    int Images,
    double VaeError,
    int SamplingSteps,
    double Guidance,
    long UNetParameters,
    long VaeParameters,
    double Seconds
);

/// <summary>
/// Measures a diffusion model without an outside model: do a probe of real photos and the small CLIP see what was asked for?
/// </summary>
internal static class MiniDiffusionEvaluation
{
    private const int Steps = 20;
    private const double Guidance = 3;
    private const int Batch = 50;
    private const int RestoredPhotos = 500;

    public static MiniDiffusionResult Measure(MiniDiffusionOptions options, Cifar10 data)
    {
        using var model = StableDiffusionPipeline.Load(options.OutputFolder);
        using var judge = new ImageJudge(options.ClipFolder, data);
        var names = Cifar10.ClassNames;
        int[] labels = [.. Enumerable.Range(0, names.Count * options.ScoredImages).Select(i => i % names.Count)];
        TextToImageRequest[] requests =
        [
            .. labels.Select((label, i) => new TextToImageRequest($"a photo of a {names[label]}", options.Seed + i)),
        ];
        var generated = model
            .Generate(
                requests,
                new StableDiffusionOptions
                {
                    Steps = Steps,
                    Guidance = Guidance,
                    BatchSize = Batch,
                },
                options.CancellationToken
            )
            .ToList();
        var random = SeededRandom.Create(options.Seed, 20, 0);
        var noise = labels
            .Select(_ =>
            {
                var pixels = new byte[3 * Cifar10.Side * Cifar10.Side];
                random.NextBytes(pixels);
                return new RgbImage(Cifar10.Side, Cifar10.Side, pixels);
            })
            .ToList();
        var ofClass = names
            .Select(
                (_, c) =>
                    new Queue<int>(Enumerable.Range(0, data.Count(Cifar10Split.Test)).Where(i => data.GetLabel(Cifar10Split.Test, i) == c))
            )
            .ToArray();
        var real = labels.Select(label => data.GetImage(Cifar10Split.Test, ofClass[label].Dequeue())).ToList();
        return new(
            judge.Shares(generated, labels),
            judge.Shares(real, labels),
            judge.Shares(noise, labels),
            labels.Length,
            VaeError(model.Vae, data),
            Steps,
            Guidance,
            model.UNet.parameters().Sum(p => p.numel()),
            model.Vae.parameters().Sum(p => p.numel()),
            0
        );
    }

    private static double VaeError(AutoencoderKL vae, Cifar10 data)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        const int side = Cifar10.Side;
        var bytes = Enumerable.Range(0, RestoredPhotos).SelectMany(i => data.GetImage(Cifar10Split.Test, i).Pixels).ToArray();
        var photos = tensor(bytes, [RestoredPhotos, side, side, 3]).permute(0, 3, 1, 2).to_type(ScalarType.Float32).div_(127.5).sub_(1);
        using var latents = vae.Encode(photos);
        return vae.Decode(latents.Mean).clamp_(-1, 1).sub(photos).square().mean().item<float>();
    }
}
