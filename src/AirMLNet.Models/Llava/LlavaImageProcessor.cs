using System.Text.Json;
using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Images;

namespace AirMLNet.Llava;

/// <summary>
/// Makes tiles of an image: first the whole of it, squeezed into a square, then row by row the squares of the grid that
/// <see cref="LlavaTiling"/> chooses, in which it lies with its proportions kept, on black. Resized by Pillow's bicubic filter on 8 bits,
/// normalised as CLIP does. Safe for concurrent use.
/// </summary>
internal sealed class LlavaImageProcessor
{
    internal static readonly RefusedKey[] RefusedKeys =
    [
        new("image_processor_type", "Another processor.", "LlavaNextImageProcessor", "LlavaNextImageProcessorFast"),
        new("do_resize", "Tiles are resized.", true),
        new("do_center_crop", "Tiles are squares.", true),
        new("do_rescale", "Pixels become 0 to 1.", true),
        new("do_normalize", "Pixels are normalised.", true),
        new("resample", "The filter is bicubic.", 3),
    ];

    private readonly IReadOnlyList<GridSize> _grids;
    private readonly ClipPreprocessor _tile;
    private readonly LlavaRounding _rounding;

    /// <param name="grids">The grids to choose from.</param>
    /// <param name="tile">Makes numbers of a tile.</param>
    /// <param name="rounding">Whose rounding.</param>
    public LlavaImageProcessor(IReadOnlyList<GridSize> grids, ClipPreprocessor tile, LlavaRounding rounding = LlavaRounding.Current) =>
        (_grids, _tile, _rounding) = (grids, tile, rounding);

    /// <summary>Height and width of a tile.</summary>
    public int Size => _tile.Size;

    /// <summary>Reads <c>preprocessor_config.json</c> of a model folder; what it does not say is as the model's configuration has
    /// it.</summary>
    /// <exception cref="InvalidDataException">It does not fit the model, or asks for what is not built.</exception>
    public static LlavaImageProcessor Load(string folder, LlavaNextConfig config, LlavaRounding rounding = LlavaRounding.Current)
    {
        var path = Path.Combine(folder, "preprocessor_config.json");
        if (File.Exists(path))
        {
            Check(path, config);
        }

        return new(config.Grids, ClipPreprocessor.Load(folder, config.Vision.ImageSize, ofTiles: true), rounding);
    }

    /// <summary>Compares <c>preprocessor_config.json</c> with what is built, and with the model's configuration.</summary>
    /// <exception cref="InvalidDataException">They differ.</exception>
    internal static void Check(string path, LlavaNextConfig config)
    {
        var file = ConfigFile.Open(path);
        file.Refuse(RefusedKeys);
        if (file.At("rescale_factor") is not null && Math.Abs((file.Get<double>("rescale_factor") * 255) - 1) > 1e-9)
        {
            throw file.Bad("rescale_factor", "1/255");
        }

        if (
            file.At("image_grid_pinpoints") is not null
            && !file.Get<IReadOnlyList<IReadOnlyList<int>>>("image_grid_pinpoints")
                .SelectMany(p => p)
                .SequenceEqual(config.ImageGridPinpoints.SelectMany(p => p))
        )
        {
            throw file.Bad("image_grid_pinpoints", $"as in config.json: {JsonSerializer.Serialize(config.ImageGridPinpoints)}");
        }

        foreach (var key in new[] { "size", "crop_size" })
        {
            if (file.At(key) is not null && file.Get<SquareSide>(key).Pixels != config.Vision.ImageSize)
            {
                throw file.Bad(key, $"vision_config.image_size of config.json ({config.Vision.ImageSize})");
            }
        }
    }

    /// <summary>Makes the tiles.</summary>
    /// <returns>[1 + T, 3, S, S], and the number of tiles with the first.</returns>
    public (float[] Pixels, int Tiles) Process(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var grid = LlavaTiling.Best(image.Height, image.Width, _grids);
        var (rows, columns) = (grid.Height / Size, grid.Width / Size);
        var length = 3 * Size * Size;
        var pixels = new float[(1 + (rows * columns)) * length];
        _tile.Preprocess(PilResize.Bicubic(image, Size, Size), pixels.AsSpan(0, length));
        var canvas = OnCanvas(image, grid);
        for (var i = 0; i < rows * columns; i++)
        {
            _tile.Preprocess(Tile(canvas, i / columns * Size, i % columns * Size), pixels.AsSpan((1 + i) * length, length));
        }

        return (pixels, 1 + (rows * columns));
    }

    private RgbImage OnCanvas(RgbImage image, GridSize grid)
    {
        var inside = LlavaTiling.Inside(image.Height, image.Width, grid);
        var resized = PilResize.Bicubic(image, inside.Width, inside.Height);
        var (top, left) = ((grid.Height - inside.Height) / 2, (grid.Width - inside.Width) / 2);
        var (height, width) =
            _rounding == LlavaRounding.Current ? (grid.Height, grid.Width) : (inside.Height + (2 * top), inside.Width + (2 * left));
        var canvas = new byte[3 * height * width];
        for (var y = 0; y < inside.Height; y++)
        {
            resized.Pixels.AsSpan(3 * y * inside.Width, 3 * inside.Width).CopyTo(canvas.AsSpan(3 * (((top + y) * width) + left)));
        }

        return new(width, height, canvas);
    }

    // The last tiles of a canvas that is a pixel short are a pixel short too; the preprocessor then stretches them, as CLIP's does.
    private RgbImage Tile(RgbImage canvas, int top, int left)
    {
        var (height, width) = (Math.Min(Size, canvas.Height - top), Math.Min(Size, canvas.Width - left));
        var tile = new byte[3 * height * width];
        for (var y = 0; y < height; y++)
        {
            canvas.Pixels.AsSpan(3 * (((top + y) * canvas.Width) + left), 3 * width).CopyTo(tile.AsSpan(3 * y * width));
        }

        return new(width, height, tile);
    }
}
