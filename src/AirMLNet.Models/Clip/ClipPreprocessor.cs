using AirMLNet.Images;

namespace AirMLNet.Clip;

/// <summary>
/// Turns an image into the input of CLIP's image tower, as the model's folder says; OpenAI's models: shorter side to n pixels (bicubic,
/// antialiased, on 8 bits), centre crop n×n, scaled to 0..1, normalised per channel (Radford et al. 2021, <c>clip.py</c>). Safe for
/// concurrent use.
/// </summary>
public sealed class ClipPreprocessor
{
    /// <summary>Mean of each channel in CLIP's training data, for pixels from 0 to 1.</summary>
    public static readonly IReadOnlyList<float> DefaultMean = [0.48145466f, 0.4578275f, 0.40821073f];

    /// <summary>Standard deviation of each channel in CLIP's training data.</summary>
    public static readonly IReadOnlyList<float> DefaultStd = [0.26862954f, 0.26130258f, 0.27577711f];

    private readonly ClipPreprocessing _settings;
    private readonly float[][] _table; // [3][256]: what a byte becomes

    /// <summary>Makes a preprocessor.</summary>
    /// <param name="size">Height and width of the result in pixels, at least 1.</param>
    /// <param name="mean">Three values; CLIP's when null.</param>
    /// <param name="std">Three values above 0; CLIP's when null.</param>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public ClipPreprocessor(int size, IReadOnlyList<float>? mean = null, IReadOnlyList<float>? std = null)
        : this(new ClipPreprocessing(size) { Mean = mean ?? DefaultMean, Std = std ?? DefaultStd }) { }

    internal ClipPreprocessor(ClipPreprocessing settings)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.Size, 1);
        var (mean, std) = (settings.Mean, settings.Std);
        if (mean.Count != 3 || std.Count != 3 || std.Any(s => !(s > 0)))
        {
            throw new ArgumentException("Three means and three standard deviations above 0 are needed.", nameof(settings));
        }
        _settings = settings;
        // Divided rather than multiplied where this is what is meant: the table is then OpenAI's, bit for bit.
        float Scaled(int b) => settings.Factor is null ? b / 255f : (float)(b * settings.Factor.Value);
        _table = [.. Enumerable.Range(0, 3).Select(c => Enumerable.Range(0, 256).Select(b => (Scaled(b) - mean[c]) / std[c]).ToArray())];
    }

    /// <summary>Height and width of the result in pixels.</summary>
    public int Size => _settings.Size;

    /// <summary>The file and the key that say <see cref="Size"/>, for messages.</summary>
    internal string SizeKey => _settings.SizeKey ?? "no file says so; OpenAI's size";

    /// <summary>Everything that the result depends on, as a text: a key for what is kept of images.</summary>
    internal string Description => _settings.Describe();

    /// <summary>
    /// Reads <c>preprocessor_config.json</c> or <c>processor_config.json</c> (Hugging Face), <c>open_clip_config.json</c>, or
    /// <c>config.json</c> (timm's <c>pretrained_cfg</c>, or the image size alone); what none of them says is as in OpenAI's models (224
    /// pixels, their mean and deviation).
    /// </summary>
    /// <exception cref="InvalidDataException">A file is there but cannot be understood, or asks for what is not built; the message names
    /// the key.</exception>
    public static ClipPreprocessor Load(string folder) => Load(folder, 0);

    /// <summary>As <see cref="Load(string)"/>, with a size that overrides the folder's unless it is 0.</summary>
    internal static ClipPreprocessor Load(string folder, int wanted, bool ofTiles = false)
    {
        try
        {
            return new(ClipPreprocessing.Read(folder, ofTiles).WithSize(wanted));
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{folder}: the preprocessing configuration is out of range: {e.Message}", e);
        }
    }

    /// <summary>The same at another size.</summary>
    internal ClipPreprocessor WithSize(int size) => new(_settings.WithSize(size));

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
        var (width, height) = _settings.ResizedTo(image);
        var (left, across) = Window(width);
        var (top, down) = Window(height);
        var window = PilResize.Resize(_settings.Filter, image, width, height, left, top, across, down);
        return across == Size && down == Size ? window : Padded(window);
    }

    /// <summary>The whole image resized, before the crop.</summary>
    internal RgbImage Resize(RgbImage image)
    {
        var (width, height) = _settings.ResizedTo(image);
        return PilResize.Resize(_settings.Filter, image, width, height, 0, 0, width, height);
    }

    // torchvision rounds the offset to even halves.
    private (int From, int Length) Window(int length) =>
        length <= Size ? (0, length) : ((int)Math.Round((length - Size) / 2.0, MidpointRounding.ToEven), Size);

    private RgbImage Padded(RgbImage image)
    {
        var pixels = new byte[3 * Size * Size];
        Array.Fill(pixels, _settings.Fill);
        var (left, top) = ((Size - image.Width) / 2, (Size - image.Height) / 2);
        for (var y = 0; y < image.Height; y++)
        {
            image.Pixels.AsSpan(3 * y * image.Width, 3 * image.Width).CopyTo(pixels.AsSpan(3 * (((top + y) * Size) + left)));
        }
        return new(Size, Size, pixels);
    }
}
