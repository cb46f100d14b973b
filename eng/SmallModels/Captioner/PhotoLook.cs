using AirMLNet.Images;

namespace AirMLNet.SmallModels;

/// <summary>What a caption can say of a photo without knowing what it shows: colours and how much of it the thing fills.</summary>
/// <param name="Colour">The most frequent colour of the middle, an index into <see cref="Colours"/>.</param>
/// <param name="Background">That of the border.</param>
/// <param name="Share">Share of the pixels that differ from the border, 0..1.</param>
internal sealed record PhotoLook(int Colour, int Background, double Share)
{
    private const int Margin = 4;
    private const int Different = 60; // levels of 8 bits, over three channels

    /// <summary>The colours that are told apart.</summary>
    public static readonly IReadOnlyList<string> Colours = ["red", "brown", "yellow", "green", "blue", "white", "grey", "black"];

    /// <summary>In words: small, large, or nothing.</summary>
    public string Size =>
        Share < 0.4 ? "small "
        : Share > 0.75 ? "large "
        : "";

    public static PhotoLook Of(RgbImage image)
    {
        var (middle, border, sum) = (new int[Colours.Count], new int[Colours.Count], new long[3]);
        var count = 0;
        for (var y = 0; y < image.Height; y++)
        {
            for (var x = 0; x < image.Width; x++)
            {
                var p = Pixel(image, x, y);
                if (Math.Min(Math.Min(x, y), Math.Min(image.Width - 1 - x, image.Height - 1 - y)) < Margin)
                {
                    border[Name(p.R, p.G, p.B)]++;
                    (sum[0], sum[1], sum[2], count) = (sum[0] + p.R, sum[1] + p.G, sum[2] + p.B, count + 1);
                }
                else if (x >= image.Width / 4 && x < image.Width * 3 / 4 && y >= image.Height / 4 && y < image.Height * 3 / 4)
                {
                    middle[Name(p.R, p.G, p.B)]++;
                }
            }
        }

        var other = 0;
        for (var y = 0; y < image.Height; y++)
        {
            for (var x = 0; x < image.Width; x++)
            {
                var p = Pixel(image, x, y);
                var distance = Math.Abs(p.R - (sum[0] / count)) + Math.Abs(p.G - (sum[1] / count)) + Math.Abs(p.B - (sum[2] / count));
                other += distance > Different ? 1 : 0;
            }
        }

        return new(Most(middle), Most(border), (double)other / (image.Width * image.Height));
    }

    private static (int R, int G, int B) Pixel(RgbImage image, int x, int y)
    {
        var at = 3 * ((y * image.Width) + x);
        return (image.Pixels[at], image.Pixels[at + 1], image.Pixels[at + 2]);
    }

    private static int Most(int[] counts) => Array.IndexOf(counts, counts.Max());

    private static int Name(int r, int g, int b)
    {
        var (most, least) = (Math.Max(r, Math.Max(g, b)), Math.Min(r, Math.Min(g, b)));
        if (most < 60)
        {
            return 7;
        }

        if (most - least < 30)
        {
            return most > 190 ? 5 : 6;
        }

        if (most == b)
        {
            return 4;
        }

        if (most == g && g - r > 10)
        {
            return 3;
        }

        return r - g > 70 && g - b < 40 && most > 120 ? 0
            : most > 170 && g > 140 && b < 130 ? 2
            : 1;
    }
}
