using AirMLNet.Data;

namespace AirMLNet.Experiments;

/// <summary>A caption and an image in the place of a generated one.</summary>
internal sealed class CaptionedImage
{
    /// <summary>The caption.</summary>
    public string Caption { get; set; } = "";

    /// <summary>Path of the image.</summary>
    public string ImagePath { get; set; } = "";

    /// <summary>The captions of a file with their own images, beside it; some with the image of another.</summary>
    /// <param name="file">Captions that name their images.</param>
    /// <param name="wrong">The share of captions whose images are dealt out among each other, 0..1.</param>
    /// <param name="seed">Of the draw.</param>
    /// <exception cref="InvalidDataException">A caption names no image.</exception>
    public static IReadOnlyList<CaptionedImage> Of(string file, double wrong, int seed)
    {
        var home = Path.GetDirectoryName(Path.GetFullPath(file))!;
        var rows = CaptionFile.OnePerImage(CaptionFile.Read(file), 0);
        if (rows.FirstOrDefault(row => row.ImageId.Length == 0) is { } without)
        {
            throw new InvalidDataException($"{file}: the caption '{without.Caption}' names no image, which wrongImages needs.");
        }

        int[] places = [.. Enumerable.Range(0, rows.Count)];
        int[] order = [.. places];
        var random = new Random(seed);
        random.Shuffle(order);
        // Each takes the image of the next one drawn: with two or more, none keeps its own.
        var drawn = order.AsSpan(0, (int)Math.Round(wrong * rows.Count));
        for (var i = 0; i < drawn.Length; i++)
        {
            places[drawn[i]] = drawn[(i + 1) % drawn.Length];
        }

        return
        [
            .. rows.Select(
                (row, i) => new CaptionedImage { Caption = row.Caption, ImagePath = Path.Combine(home, rows[places[i]].ImageId) }
            ),
        ];
    }
}
