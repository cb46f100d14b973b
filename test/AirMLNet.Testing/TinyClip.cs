using System.Text;
using System.Text.Json;
using AirMLNet.Clip;
using AirMLNet.Images;
using TorchSharp;

namespace AirMLNet.Testing;

/// <summary>A very small CLIP with random weights and a byte-level tokenizer, as a model folder; and pictures for it.</summary>
public static class TinyClip
{
    public const int ImageSize = 16,
        FeatureDimension = 24,
        ContextLength = 40;

    /// <summary>Writes a model folder; the same seed gives the same files.</summary>
    public static string Create(string folder, long seed = 1)
    {
        Directory.CreateDirectory(folder);
        var vocabulary = WriteTokenizer(folder);
        var config = new ClipConfig
        {
            ProjectionDim = FeatureDimension,
            Vision = new ClipVisionConfig
            {
                HiddenSize = 32,
                IntermediateSize = 64,
                Layers = 2,
                Heads = 2,
                ImageSize = ImageSize,
                PatchSize = 8,
            },
            Text = new ClipTextConfig
            {
                HiddenSize = 32,
                IntermediateSize = 64,
                Layers = 2,
                Heads = 2,
                ContextLength = ContextLength,
                VocabularySize = vocabulary,
                StartToken = vocabulary - 2,
                EndToken = vocabulary - 1,
                PadToken = vocabulary - 1,
            },
        };
        using (var generator = new torch.Generator((ulong)seed))
        using (var model = new ClipModel(config, generator))
        {
            model.Save(folder, torch.ScalarType.Float32);
        }
        File.WriteAllText(
            Path.Combine(folder, "preprocessor_config.json"),
            $$"""
            { "size": { "shortest_edge": {{ImageSize}} }, "crop_size": { "height": {{ImageSize}}, "width": {{ImageSize}} },
              "do_resize": true, "do_center_crop": true, "do_rescale": true, "do_normalize": true, "resample": 3, "rescale_factor": 0.00392156862745098,
              "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711] }
            """
        );
        return folder;
    }

    /// <summary>Writes PNG files: class c is mostly of colour c, with noise. Returns their paths and classes.</summary>
    public static (string Path, int Class)[] WriteImages(string folder, int count, int classes = 3, int seed = 7)
    {
        Directory.CreateDirectory(folder);
        var random = new Random(seed);
        var images = new (string, int)[count];
        for (var i = 0; i < count; i++)
        {
            var c = i % classes;
            images[i] = (Path.Combine(folder, $"image{i:00000}.png"), c);
            ImageFile.SavePng(images[i].Item1, Picture(c, random));
        }
        return images;
    }

    public static RgbImage Picture(int @class, Random random, int width = 20, int height = 18)
    {
        var pixels = new byte[3 * width * height];
        for (var i = 0; i < pixels.Length; i++)
        {
            var strong = (i % 3 == @class % 3 ? 200 : 40) + 5 * (@class / 3);
            pixels[i] = (byte)(strong + random.Next(-30, 31));
        }
        return new RgbImage(width, height, pixels);
    }

    /// <summary>GPT-2's byte alphabet, every symbol also as the end of a word, and a few merges.</summary>
    private static int WriteTokenizer(string folder)
    {
        List<string> symbols = [];
        var extra = 0;
        List<(int Byte, string Symbol)> rest = [];
        for (var b = 0; b < 256; b++)
        {
            var printable = b is >= 33 and <= 126 or >= 161 and <= 172 or >= 174;
            if (printable)
            {
                symbols.Add(((char)b).ToString());
            }
            else
            {
                rest.Add((b, ((char)(256 + extra++)).ToString()));
            }
        }
        symbols.AddRange(rest.Select(r => r.Symbol));
        string[] merges = ["t h", "th e</w>", "o f</w>", "r e", "re d</w>", "p h", "ph o"];
        List<string> tokens =
        [
            .. symbols,
            .. symbols.Select(s => s + "</w>"),
            .. merges.Select(m => m.Replace(" ", "", StringComparison.Ordinal)),
            "<|startoftext|>",
            "<|endoftext|>",
        ];
        var vocabulary = tokens.Select((token, id) => (token, id)).ToDictionary(t => t.token, t => t.id);
        File.WriteAllText(Path.Combine(folder, "vocab.json"), JsonSerializer.Serialize(vocabulary));
        File.WriteAllText(
            Path.Combine(folder, "merges.txt"),
            "#version: 0.2\n" + string.Join('\n', merges) + "\n",
            new UTF8Encoding(false)
        );
        File.WriteAllText(
            Path.Combine(folder, "tokenizer_config.json"),
            $$"""
            { "model_max_length": {{ContextLength}}, "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>" }
            """
        );
        return tokens.Count;
    }
}
