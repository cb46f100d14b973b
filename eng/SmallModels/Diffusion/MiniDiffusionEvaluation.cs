using AirMLNet.Diffusion;
using AirMLNet.Images;
using AirMLNet.Optimisation;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>What <see cref="MiniDiffusionTrainer"/> measured on the finished model: shares that a judge recognises, 0 to 1.</summary>
/// <param name="Generated">Of generated images, those of the class that was asked for.</param>
/// <param name="OfClass">The same of each class.</param>
/// <param name="Restored">Of as many test photos that went through the autoencoder.</param>
/// <param name="Real">Of the same test photos as they are.</param>
/// <param name="Noise">Of uniform noise.</param>
/// <param name="JudgeAccuracy">Of all test photos.</param>
/// <param name="Images">Number of images in each of the four.</param>
/// <param name="VaeError">Mean squared error of restored test photos, in units where a photo spans −1..1.</param>
/// <param name="SamplingSteps">Denoising steps.</param>
/// <param name="Guidance">Weight of the prompt.</param>
/// <param name="UNetParameters">Weights of the UNet.</param>
/// <param name="VaeParameters">Weights of the autoencoder.</param>
/// <param name="TextParameters">Weights of the text encoder.</param>
/// <param name="Seconds">Training time over all its runs.</param>
internal sealed record MiniDiffusionResult(
    double Generated,
    IReadOnlyList<double> OfClass,
    double Restored,
    double Real,
    double Noise,
    double JudgeAccuracy,
    int Images,
    double VaeError,
    int SamplingSteps,
    double Guidance,
    long UNetParameters,
    long VaeParameters,
    long TextParameters,
    double Seconds
);

/// <summary>Measures a diffusion model: does a judge that knows all training photos see what was asked for?</summary>
internal static class MiniDiffusionEvaluation
{
    /// <summary>Denoising steps.</summary>
    public const int Steps = 20;

    /// <summary>Weight of the prompt.</summary>
    public const double Guidance = 4;

    private const int Batch = 50;
    private const int RestoredPhotos = 500;

    public static MiniDiffusionResult Measure(MiniDiffusionOptions options, Cifar10 data, IImageJudge judge)
    {
        using var model = StableDiffusionPipeline.Load(options.OutputFolder);
        var names = Cifar10.ClassNames;
        int[] labels = [.. Enumerable.Range(0, names.Count * options.ScoredImages).Select(i => i % names.Count)];
        var generated = Generate(model, labels, options.Seed, Guidance, options.CancellationToken);
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
            judge.Share(generated, labels),
            [.. names.Select((_, c) => judge.Share([.. generated.Where((_, i) => labels[i] == c)], [.. labels.Where(l => l == c)]))],
            judge.Share(Restore(model.Vae, real), labels),
            judge.Share(real, labels),
            judge.Share(noise, labels),
            judge.TestAccuracy,
            labels.Length,
            VaeError(model.Vae, data),
            Steps,
            Guidance,
            model.UNet.parameters().Sum(p => p.numel()),
            model.Vae.parameters().Sum(p => p.numel()),
            model.TextEncoder.parameters().Sum(p => p.numel()),
            0
        );
    }

    /// <summary>One image of "a photo of a {name}" for each label.</summary>
    public static List<RgbImage> Generate(
        StableDiffusionPipeline model,
        int[] labels,
        int seed,
        double guidance,
        CancellationToken cancellation = default
    ) =>
        [
            .. model.Generate(
                [.. labels.Select((label, i) => new TextToImageRequest($"a photo of a {Cifar10.ClassNames[label]}", seed + i))],
                new StableDiffusionOptions
                {
                    Steps = Steps,
                    Guidance = guidance,
                    BatchSize = Batch,
                },
                cancellation
            ),
        ];

    /// <summary>Images that went through an autoencoder.</summary>
    public static List<RgbImage> Restore(AutoencoderKL vae, List<RgbImage> photos)
    {
        using var off = no_grad();
        List<RgbImage> restored = [];
        foreach (var chunk in photos.Chunk(Batch))
        {
            using var scope = NewDisposeScope();
            using var latents = vae.Encode(Pixels(chunk));
            var bytes = vae.Decode(latents.Mean)
                .clamp_(-1, 1)
                .add(1)
                .mul(127.5)
                .round()
                .to_type(ScalarType.Byte)
                .permute(0, 2, 3, 1)
                .contiguous()
                .data<byte>()
                .ToArray();
            restored.AddRange(bytes.Chunk(bytes.Length / chunk.Length).Select(b => new RgbImage(chunk[0].Width, chunk[0].Height, b)));
        }
        return restored;
    }

    private static Tensor Pixels(IReadOnlyList<RgbImage> photos) =>
        tensor(photos.SelectMany(p => p.Pixels).ToArray(), [photos.Count, photos[0].Height, photos[0].Width, 3])
            .permute(0, 3, 1, 2)
            .to_type(ScalarType.Float32)
            .div_(127.5)
            .sub_(1);

    private static double VaeError(AutoencoderKL vae, Cifar10 data)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var photos = Pixels([.. Enumerable.Range(0, RestoredPhotos).Select(i => data.GetImage(Cifar10Split.Test, i))]);
        using var latents = vae.Encode(photos);
        return vae.Decode(latents.Mean).clamp_(-1, 1).sub(photos).square().mean().item<float>();
    }
}
