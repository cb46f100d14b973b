using AirMLNet.Clip;
using AirMLNet.Images;
using AirMLNet.Llava;

namespace AirMLNet.Tests.Llava;

[TestClass]
public sealed class LlavaTilingTests
{
    // Those of llava-v1.6-mistral-7b-hf.
    private static readonly GridSize[] Published = [new(336, 672), new(672, 336), new(672, 672), new(1008, 336), new(336, 1008)];

    [TestMethod]
    [DataRow(600, 1000, 672, 672)] // 672 x 403 of its pixels are kept, of the flat grids 560 x 336
    [DataRow(300, 300, 336, 672)] // all keep everything; of those that waste least the first
    [DataRow(300, 1000, 336, 1008)]
    [DataRow(1000, 300, 1008, 336)]
    [DataRow(200, 600, 336, 672)]
    [DataRow(1, 5000, 336, 672)] // no grid keeps a row: the first
    public void TheGridThatKeepsMostAndWastesLeast(int height, int width, int rows, int columns) =>
        Assert.AreEqual(new GridSize(rows, columns), LlavaTiling.Best(height, width, Published));

    [TestMethod]
    public void AnImageFillsItsGridInOneDirection()
    {
        Assert.AreEqual(new GridSize(404, 672), LlavaTiling.Inside(600, 1000, new(672, 672))); // 403.2 is rounded up
        Assert.AreEqual(new GridSize(672, 336), LlavaTiling.Inside(100, 50, new(672, 672)));
        Assert.AreEqual(new GridSize(336, 336), LlavaTiling.Inside(100, 100, new(336, 672)));
    }

    [TestMethod]
    public void PlacesThatShowPaddingOnlyAreCutOff()
    {
        // 600 x 1000 on a map of 48 x 48: 28.8 rows hold the image, of which 28 count: 10 are cut off on either side.
        Assert.AreEqual((10, 28, 0, 48), LlavaTiling.Unpad(600, 1000, 48, 48, LlavaRounding.Current));
        Assert.AreEqual((0, 48, 12, 24), LlavaTiling.Unpad(100, 50, 48, 48, LlavaRounding.Current));
        // An odd number of rows too many: one stays.
        Assert.AreEqual((1, 6, 0, 8), LlavaTiling.Unpad(50, 80, 8, 8, LlavaRounding.Current));
    }

    [TestMethod]
    public void AProductThatIsWholeIsNotCutForItsLastBit()
    {
        // 55 · (48 / 176) is 15, and 14.999999999999998 in double precision: 16 columns are cut off on either side, or 17.
        Assert.AreEqual((0, 48, 16, 16), LlavaTiling.Unpad(176, 55, 48, 48, LlavaRounding.Current));
        Assert.AreEqual((0, 48, 17, 14), LlavaTiling.Unpad(176, 55, 48, 48, LlavaRounding.Until2024));
    }

    [TestMethod]
    public void TilesAreTheOverviewAndTheGridRowByRow()
    {
        // Left half red, right half blue, 64 x 32: the grid is one row of two tiles, one of each colour.
        var pixels = new byte[3 * 64 * 32];
        for (var i = 0; i < 64 * 32; i++)
        {
            pixels[(3 * i) + (i % 64 < 32 ? 0 : 2)] = 255;
        }

        var (values, tiles) = Processor([new(32, 64), new(64, 32)]).Process(new RgbImage(64, 32, pixels));

        Assert.AreEqual(3, tiles);
        Assert.HasCount(3 * 3 * 32 * 32, values);
        float At(int tile, int channel, int y, int x) => values[(((tile * 3) + channel) * 1024) + (y * 32) + x];
        Assert.AreEqual(1f, At(1, 0, 31, 31)); // red
        Assert.AreEqual(0f, At(1, 2, 31, 31));
        Assert.AreEqual(0f, At(2, 0, 0, 0)); // blue
        Assert.AreEqual(1f, At(2, 2, 0, 0));
        Assert.AreEqual(1f, At(0, 0, 5, 2)); // the overview has both
        Assert.AreEqual(1f, At(0, 2, 5, 29));
    }

    [TestMethod]
    public void ARowTooManyGoesToTheLowerBorder_OrUntil2024IsMissing()
    {
        // 49 of 64 rows are white: 7 black rows above and 8 below, or 7 on either side and a row less.
        var white = new RgbImage(64, 49, [.. Enumerable.Repeat((byte)255, 3 * 64 * 49)]);
        float[] Column(LlavaRounding rounding)
        {
            var values = Processor([new(64, 64)], rounding).Process(white).Pixels;
            float[] Tile(int tile) => [.. Enumerable.Range(0, 32).Select(y => values[(tile * 3 * 1024) + (y * 32)])];
            return [.. Tile(1), .. Tile(3)];
        }

        var current = Column(LlavaRounding.Current);
        CollectionAssert.AreEqual(
            Enumerable.Range(0, 64).Select(y => y is >= 7 and < 56 ? 1f : 0f).ToArray(),
            current,
            string.Join(' ', current)
        );
        var old = Column(LlavaRounding.Until2024);
        CollectionAssert.AreEqual(current[..32], old[..32]);
        Assert.AreEqual(1f, old[32]);
        Assert.AreEqual(0f, old[63]);
        CollectionAssert.AreNotEqual(current, old); // the last tile of 31 rows was stretched to 32
    }

    private static LlavaImageProcessor Processor(GridSize[] grids, LlavaRounding rounding = LlavaRounding.Current) =>
        new(grids, new ClipPreprocessor(32, [0, 0, 0], [1, 1, 1]), rounding);
}
