using System.Text.Json;
using AirMLNet.Images;

namespace AirMLNet.Clip;

/// <summary>
/// Turns an image into the input of CLIP's image tower: shorter side to n pixels (bicubic, antialiased, on 8 bits), centre
/// crop n×n, scaled to 0..1, normalised per channel (Radford et al. 2021, <c>clip.py</c>). Safe for concurrent use.
/// </summary>
public sealed class ClipPreprocessor
{
    /// <summary>Mean of each channel in CLIP's training data, for pixels from 0 to 1.</summary>
    public static readonly IReadOnlyList<float> DefaultMean = [0.48145466f, 0.4578275f, 0.40821073f];

    /// <summary>Standard deviation of each channel in CLIP's training data.</summary>
    public static readonly IReadOnlyList<float> DefaultStd = [0.26862954f, 0.26130258f, 0.27577711f];

    private readonly float[][] _table; // [3][256]: what a byte becomes

    /// <summary>Makes a preprocessor.</summary>
    /// <param name="size">Height and width of the result in pixels, at least 1.</param>
    /// <param name="mean">Three values; CLIP's when null.</param>
    /// <param name="std">Three values above 0; CLIP's when null.</param>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public ClipPreprocessor(int size, IReadOnlyList<float>? mean = null, IReadOnlyList<float>? std = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        mean ??= DefaultMean;
        std ??= DefaultStd;
        if (mean.Count != 3 || std.Count != 3 || std.Any(s => !(s > 0)))
        {
            throw new ArgumentException("Three means and three standard deviations above 0 are needed.", nameof(std));
        }

        Size = size;
        _table = [.. Enumerable.Range(0, 3).Select(c => Enumerable.Range(0, 256).Select(b => (b / 255f - mean[c]) / std[c]).ToArray())];
    }

    /// <summary>Height and width of the result in pixels.</summary>
    public int Size { get; }

    /// <summary>
    /// Reads <c>preprocessor_config.json</c>, <c>open_clip_config.json</c> or the image size in <c>config.json</c>;
    /// what none of them says is as in OpenAI's models (224 pixels, their mean and deviation).
    /// </summary>
    /// <exception cref="InvalidDataException">A file is there but cannot be understood.</exception>
    public static ClipPreprocessor Load(string folder) => Load(folder, 0);

    /// <summary>As <see cref="Load(string)"/>, with a size that overrides the folder's unless it is 0.</summary>
    internal static ClipPreprocessor Load(string folder, int wanted)
    {
        var size = 0;
        float[]? mean = null,
            std = null;
        void Read(string name, Action<JsonElement> read)
        {
            var file = Path.Combine(folder, name);
            if (!File.Exists(file))
            {
                return;
            }

            try
            {
                using var document = JsonDocument.Parse(File.ReadAllBytes(file));
                read(document.RootElement);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
            {
                throw new InvalidDataException($"{file}: {e.Message}", e);
            }
        }

        Read(
            "preprocessor_config.json",
            root =>
            {
                size = SizeOf(root, "crop_size") ?? SizeOf(root, "size") ?? 0;
                (mean, std) = (Floats(root, "image_mean"), Floats(root, "image_std"));
            }
        );
        Read(
            "open_clip_config.json",
            root =>
            {
                if (root.TryGetProperty("preprocess_cfg", out var cfg))
                {
                    mean ??= Floats(cfg, "mean");
                    std ??= Floats(cfg, "std");
                }

                if (size == 0 && root.TryGetProperty("model_cfg", out var model) && model.TryGetProperty("vision_cfg", out var vision))
                {
                    size = SizeOf(vision, "image_size") ?? 0;
                }
            }
        );
        Read(
            "config.json",
            root =>
            {
                // OpenAI's own description of a ResNet, and a preprocessor's configuration under this name.
                size = size != 0 ? size : SizeOf(root, "image_resolution") ?? SizeOf(root, "crop_size") ?? 0;
                (mean, std) = (mean ?? Floats(root, "image_mean"), std ?? Floats(root, "image_std"));
                if (size == 0 && root.TryGetProperty("vision_config", out var vision))
                {
                    size = SizeOf(vision, "image_size") ?? 0;
                }
            }
        );
        try
        {
            return new(
                wanted != 0 ? wanted
                    : size == 0 ? 224
                    : size,
                mean,
                std
            );
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{folder}: the preprocessing configuration is out of range: {e.Message}", e);
        }
    }

    /// <summary>Preprocesses an image.</summary>
    /// <returns>[3, Size, Size], channels red, green, blue.</returns>
    public float[] Preprocess(RgbImage image)
    {
        var result = GC.AllocateUninitializedArray<float>(3 * Size * Size);
        Preprocess(image, result);
        return result;
    }

    /// <summary>Preprocesses an image into given memory.</summary>
    /// <param name="image">An image of any size.</param>
    /// <param name="destination">Room for [3, Size, Size].</param>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public void Preprocess(RgbImage image, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(image);
        var plane = Size * Size;
        if (destination.Length != 3 * plane)
        {
            throw new ArgumentException($"{destination.Length} values; expected {3 * plane}.", nameof(destination));
        }

        var crop = ResizeAndCrop(image);
        var pixels = crop.Pixels;
        for (var c = 0; c < 3; c++)
        {
            var table = _table[c];
            var to = destination.Slice(c * plane, plane);
            for (int i = 0, from = c; i < plane; i++, from += 3)
            {
                to[i] = table[pixels[from]];
            }
        }
    }

    /// <summary>The 8-bit image that normalisation starts from.</summary>
    internal RgbImage ResizeAndCrop(RgbImage image)
    {
        var (width, height) = ResizedTo(image);
        // torchvision rounds the offset to even halves.
        var left = (int)Math.Round((width - Size) / 2.0, MidpointRounding.ToEven);
        var top = (int)Math.Round((height - Size) / 2.0, MidpointRounding.ToEven);
        return PilResize.Bicubic(image, width, height, left, top, Size, Size);
    }

    /// <summary>The shorter side becomes <see cref="Size"/>, the longer one keeps the proportion, rounded down.</summary>
    internal RgbImage Resize(RgbImage image)
    {
        var (width, height) = ResizedTo(image);
        return PilResize.Bicubic(image, width, height);
    }

    private (int Width, int Height) ResizedTo(RgbImage image) =>
        image.Width <= image.Height
            ? (Size, checked((int)((long)Size * image.Height / image.Width)))
            : (checked((int)((long)Size * image.Width / image.Height)), Size);

    private static int? SizeOf(JsonElement parent, string name)
    {
        if (!parent.TryGetProperty(name, out var node))
        {
            return null;
        }

        if (node.ValueKind == JsonValueKind.Number)
        {
            return node.GetInt32();
        }

        if (node.ValueKind == JsonValueKind.Array)
        {
            return node[0].GetInt32();
        }

        foreach (var key in new[] { "shortest_edge", "height" })
        {
            if (node.ValueKind == JsonValueKind.Object && node.TryGetProperty(key, out var value))
            {
                return value.GetInt32();
            }
        }

        return null;
    }

    private static float[]? Floats(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var node) && node.ValueKind == JsonValueKind.Array
            ? [.. node.EnumerateArray().Select(v => v.GetSingle())]
            : null;
}
