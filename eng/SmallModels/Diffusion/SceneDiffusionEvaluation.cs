using AirMLNet.Diffusion;
using AirMLNet.Images;
using AirMLNet.Optimisation;

namespace AirMLNet.SmallModels;

/// <summary>What a judge sees in the images of a diffusion model for scenes.</summary>
/// <param name="Generated">In generated ones.</param>
/// <param name="Restored">In scenes drawn as those it learned from, after the autoencoder.</param>
/// <param name="Real">In such scenes as they are.</param>
/// <param name="Other">In generated ones, of the objects of another caption: what a model that does not listen would reach.</param>
/// <param name="Images">Number of generated images.</param>
/// <param name="Guidance">Weight of the prompt.</param>
/// <param name="UNetParameters">Weights of the UNet.</param>
/// <param name="VaeParameters">Weights of the autoencoder.</param>
/// <param name="TextParameters">Weights of the text encoder.</param>
/// <param name="Seconds">Training time over all its runs.</param>
internal sealed record SceneDiffusionResult(
    SeenShares Generated,
    SeenShares Restored,
    SeenShares Real,
    SeenShares Other,
    int Images,
    double Guidance,
    long UNetParameters,
    long VaeParameters,
    long TextParameters,
    double Seconds
);

/// <summary>Measures a diffusion model for scenes: does a judge see the objects that a caption names?</summary>
internal static class SceneDiffusionEvaluation
{
    private const int Batch = 50;

    public static SceneDiffusionResult Measure(MiniDiffusionOptions options, MiniScenes scenes, SceneJudge judge, double guidance)
    {
        using var model = StableDiffusionPipeline.Load(options.OutputFolder);
        var real = Enumerable
            .Range(0, options.ScoredImages)
            .Select(i => scenes.Draw(Cifar10Split.Train, MiniScenes.ModelSeed + options.Seed, SceneMaps.Judged - 1 - i))
            .ToList();
        int[][] objects = [.. real.Select(s => s.Objects)];
        var requests = objects
            .Select((o, i) => new TextToImageRequest(MiniScenes.Caption(o, SeededRandom.Create(options.Seed, 31, i), leftOut: 0), i))
            .ToList();
        List<RgbImage> generated =
        [
            .. model.Generate(
                requests,
                new StableDiffusionOptions
                {
                    Steps = MiniDiffusionEvaluation.Steps,
                    Guidance = guidance,
                    BatchSize = Batch,
                },
                options.CancellationToken
            ),
        ];
        return new(
            judge.Shares(generated, objects),
            judge.Shares(MiniDiffusionEvaluation.Restore(model.Vae, [.. real.Select(s => s.Image)]), objects),
            judge.Shares([.. real.Select(s => s.Image)], objects),
            judge.Shares(generated, [.. objects.Skip(1), objects[0]]),
            generated.Count,
            guidance,
            model.UNet.parameters().Sum(p => p.numel()),
            model.Vae.parameters().Sum(p => p.numel()),
            model.TextEncoder.parameters().Sum(p => p.numel()),
            0
        );
    }
}
