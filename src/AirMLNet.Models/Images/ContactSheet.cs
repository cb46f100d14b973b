using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;

namespace AirMLNet.Images;

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
    /// <exception cref="UnreadableImageException">A file is missing, damaged or too large.</exception>
    public static RgbImage Of(IReadOnlyList<IReadOnlyList<string>> groups)
    {
        var rows =
            groups.Count == 1
                ? [.. groups[0].Chunk(Math.Min(Columns, (int)Math.Ceiling(Math.Sqrt(groups[0].Count))))]
                : groups.Select(g => g.Take(Columns).ToArray()).ToList();
        List<List<RgbImage>> pictures = [.. rows.Take(MaxRows).Select(row => row.Select(Thumbnail).ToList())];
        var cell = Gap + pictures.SelectMany(r => r).Max(p => Math.Max(p.Width, p.Height));
        using var paper = new Image<Rgb24>(Gap + (pictures.Max(r => r.Count) * cell), Gap + (pictures.Count * cell), Color.White);
        paper.Mutate(context =>
        {
            foreach (var (r, row) in pictures.Index())
            {
                foreach (var (c, picture) in row.Index())
                {
                    using var image = ImageCodec.ToSharp(picture);
                    context.DrawImage(image, new Point(Gap + (c * cell), Gap + (r * cell)), opacity: 1);
                }
            }
        });
        return ImageCodec.FromSharp(paper);
    }

    private static RgbImage Thumbnail(string file)
    {
        var image = ImageFile.Load(file);
        int longest = Math.Max(image.Width, image.Height),
            times = SmallSide / longest;
        if (longest <= MaxSide && times <= 1)
        {
            return image;
        }

        var (width, height) =
            longest > MaxSide
                ? (Math.Max(1, image.Width * MaxSide / longest), Math.Max(1, image.Height * MaxSide / longest))
                : (image.Width * times, image.Height * times);
        using var pixels = ImageCodec.ToSharp(image);
        pixels.Mutate(context =>
            context.Resize(width, height, longest > MaxSide ? KnownResamplers.Bicubic : KnownResamplers.NearestNeighbor)
        );
        return ImageCodec.FromSharp(pixels);
    }
}
