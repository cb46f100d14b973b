using AirMLNet.Files;
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
        const string Own = "preprocessor_config.json",
            OpenClip = "open_clip_config.json",
            Model = "config.json";
        var sizes = ConfigFile.Said<SquareSide>(
            [folder],
            (Own, "crop_size"),
            (Own, "size"),
            (OpenClip, "model_cfg.vision_cfg.image_size"),
            // OpenAI's own description of a ResNet, and a preprocessor's configuration under this name.
            (Model, "image_resolution"),
            (Model, "crop_size"),
            (Model, "vision_config.image_size")
        );
        IReadOnlyList<float>? Channels(string key) =>
            ConfigFile
                .Said<IReadOnlyList<float>>([folder], (Own, "image_" + key), (OpenClip, "preprocess_cfg." + key), (Model, "image_" + key))
                .FirstOrDefault();
        var (mean, std) = (Channels("mean"), Channels("std"));
        try
        {
            return new(wanted != 0 ? wanted : sizes.FirstOrDefault(new SquareSide(224)).Pixels, mean, std);
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
}
