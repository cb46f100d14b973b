using AirMLNet.Images;

namespace AirMLNet.Synthesis;

/// <summary>One picture of many images: a row, or some rows, for each group.</summary>
internal static class ContactSheet
{
    private const int MaxSide = 128;
    private const int SmallSide = 64;
    private const int Gap = 4;
    private const int Columns = 10;
    private const int MaxRows = 200;

    /// <summary>Draws the images of files.</summary>
    /// <param name="groups">The files; one group fills several rows, of several groups the first images stand in a row each.</param>
    /// <returns>White paper with the images, at most 128 pixels each; small ones are enlarged by repeating pixels.</returns>
    public static RgbImage Of(IReadOnlyList<IReadOnlyList<string>> groups)
    {
        var rows =
            groups.Count == 1
                ? [.. groups[0].Chunk(Math.Min(Columns, (int)Math.Ceiling(Math.Sqrt(groups[0].Count))))]
                : groups.Select(g => g.Take(Columns).ToArray()).ToList();
        rows = [.. rows.Take(MaxRows)];
        List<List<RgbImage>> pictures = [.. rows.Select(row => row.Select(file => Thumbnail(ImageFile.Load(file))).ToList())];
        var side = pictures.SelectMany(r => r).Max(p => Math.Max(p.Width, p.Height));
        var width = Gap + (pictures.Max(r => r.Count) * (side + Gap));
        var height = Gap + (pictures.Count * (side + Gap));
        var pixels = new byte[3 * width * height];
        Array.Fill(pixels, byte.MaxValue);
        for (var r = 0; r < pictures.Count; r++)
        {
            for (var c = 0; c < pictures[r].Count; c++)
            {
                Paste(pictures[r][c], pixels, width, Gap + (c * (side + Gap)), Gap + (r * (side + Gap)));
            }
        }
        return new RgbImage(width, height, pixels);
    }

    private static RgbImage Thumbnail(RgbImage image)
    {
        var longest = Math.Max(image.Width, image.Height);
        if (longest > MaxSide)
        {
            return PilResize.Bicubic(image, Math.Max(1, image.Width * MaxSide / longest), Math.Max(1, image.Height * MaxSide / longest));
        }
        var times = SmallSide / longest;
        return times <= 1 ? image : Enlarged(image, times);
    }

    private static RgbImage Enlarged(RgbImage image, int times)
    {
        var (width, height) = (image.Width * times, image.Height * times);
        var pixels = new byte[3 * width * height];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                image.Pixels.AsSpan(3 * (((y / times) * image.Width) + (x / times)), 3).CopyTo(pixels.AsSpan(3 * ((y * width) + x)));
            }
        }
        return new RgbImage(width, height, pixels);
    }

    private static void Paste(RgbImage image, byte[] paper, int width, int left, int top)
    {
        for (var y = 0; y < image.Height; y++)
        {
            image.Pixels.AsSpan(3 * y * image.Width, 3 * image.Width).CopyTo(paper.AsSpan(3 * (((top + y) * width) + left)));
        }
    }
}
