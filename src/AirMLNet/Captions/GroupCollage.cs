using AirMLNet.Images;

namespace AirMLNet.Captions;

/// <summary>
/// Several images on one black canvas, as LatteCLIP shows a group to the language model (<c>docs/methods.md</c> §5.2): cells in a square
/// grid row by row, each image shrunk or enlarged to its cell by Lanczos with its proportions kept, and centred there.
/// </summary>
internal static class GroupCollage
{
    /// <summary>Width and height of the published canvas.</summary>
    public const int Side = 672;

    /// <summary>Pixels between the published cells.</summary>
    public const int Gap = 20;

    /// <summary>Where an image lies on the canvas.</summary>
    /// <param name="X">Left edge.</param>
    /// <param name="Y">Upper edge.</param>
    /// <param name="Width">Width of the image there.</param>
    /// <param name="Height">Height of the image there.</param>
    public readonly record struct Place(int X, int Y, int Width, int Height);

    /// <summary>Draws the images.</summary>
    /// <param name="images">One or more; the grid has max(2, ⌈√n⌉) columns, so that the lower half stays black with two.</param>
    /// <param name="gap">Pixels between cells, 0 or more.</param>
    /// <param name="width">Width of the canvas.</param>
    /// <param name="height">Height of the canvas.</param>
    /// <exception cref="ArgumentException">There are no images, or the gaps leave no room for the cells.</exception>
    public static RgbImage Of(IReadOnlyList<RgbImage> images, int gap = Gap, int width = Side, int height = Side)
    {
        var places = Places([.. images.Select(i => (i.Width, i.Height))], gap, width, height);
        var canvas = new byte[3 * width * height];
        for (var i = 0; i < images.Count; i++)
        {
            var place = places[i];
            Paste(PilResize.Lanczos(images[i], place.Width, place.Height), canvas, width, place);
        }
        return new RgbImage(width, height, canvas);
    }

    /// <summary>Where images of given sizes lie.</summary>
    /// <exception cref="ArgumentException">There are no images, or the gaps leave no room for the cells.</exception>
    public static Place[] Places(IReadOnlyList<(int Width, int Height)> sizes, int gap, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfZero(sizes.Count, nameof(sizes));
        var grid = Grid(sizes.Count);
        var (cellWidth, cellHeight) = ((width - (gap * (grid - 1))) / grid, (height - (gap * (grid - 1))) / grid);
        if (gap < 0 || cellWidth < 1 || cellHeight < 1)
        {
            throw new ArgumentException(
                $"{sizes.Count} images with gaps of {gap} pixels do not fit on {width} x {height} pixels.",
                nameof(gap)
            );
        }
        var target = (double)cellWidth / cellHeight;
        return
        [
            .. sizes.Select(
                (size, i) =>
                {
                    var ratio = (double)size.Width / size.Height;
                    // Sides are cut to whole pixels as the published code does; one that would vanish keeps a pixel.
                    var (w, h) =
                        ratio > target
                            ? (cellWidth, Math.Max(1, (int)(cellWidth / ratio)))
                            : (Math.Max(1, (int)(cellHeight * ratio)), cellHeight);
                    return new Place(
                        (i % grid * (cellWidth + gap)) + ((cellWidth - w) / 2),
                        (i / grid * (cellHeight + gap)) + ((cellHeight - h) / 2),
                        w,
                        h
                    );
                }
            ),
        ];
    }

    /// <summary>Columns, and rows, of the grid.</summary>
    public static int Grid(int images) => Math.Max(2, (int)Math.Ceiling(Math.Sqrt(images)));

    private static void Paste(RgbImage image, byte[] canvas, int width, Place place)
    {
        for (var y = 0; y < image.Height; y++)
        {
            image.Pixels.AsSpan(3 * y * image.Width, 3 * image.Width).CopyTo(canvas.AsSpan(3 * (((place.Y + y) * width) + place.X)));
        }
    }
}
