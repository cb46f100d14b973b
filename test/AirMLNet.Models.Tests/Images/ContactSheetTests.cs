using AirMLNet.Images;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Images;

/// <summary>Where the images stand on a contact sheet, and in which size.</summary>
[TestClass]
public sealed class ContactSheetTests
{
    private static readonly (byte, byte, byte) White = (255, 255, 255),
        Red = (200, 10, 20),
        Green = (10, 180, 30),
        Blue = (5, 6, 250);

    [TestMethod]
    public void GroupsStandInRows_SmallImagesEnlargedByRepeatingPixels()
    {
        using var folder = new TemporaryFolder();
        byte[] twoColours = [200, 10, 20, 10, 180, 30];
        ImageFile.SavePng(folder["a.png"], new RgbImage(2, 1, twoColours));
        ImageFile.SavePng(folder["b.png"], Plain(2, 2, Blue));

        var sheet = ContactSheet.Of([
            [folder["a.png"], folder["b.png"]],
            [folder["b.png"]],
        ]);

        // Places of 64 pixels with 4 between and around them: two columns, two rows.
        Assert.AreEqual((4 + (2 * 68), 4 + (2 * 68)), (sheet.Width, sheet.Height));
        Assert.AreEqual(White, At(sheet, 3, 3));
        Assert.AreEqual(Red, At(sheet, 4, 4));
        Assert.AreEqual(Red, At(sheet, 35, 35));
        Assert.AreEqual(Green, At(sheet, 36, 35));
        Assert.AreEqual(White, At(sheet, 36, 36)); // the enlarged image is 64 x 32
        Assert.AreEqual(White, At(sheet, 71, 4));
        Assert.AreEqual(Blue, At(sheet, 72, 4));
        Assert.AreEqual(Blue, At(sheet, 135, 67));
        Assert.AreEqual(Blue, At(sheet, 4, 72));
        Assert.AreEqual(White, At(sheet, 72, 72));
    }

    [TestMethod]
    public void LargeImagesShrink_AndOneGroupFillsASquare()
    {
        using var folder = new TemporaryFolder();
        ImageFile.SavePng(folder["large.png"], Plain(512, 256, Green));
        ImageFile.SavePng(folder["middle.png"], Plain(100, 100, Red));

        var sheet = ContactSheet.Of([
            [folder["large.png"], folder["middle.png"], folder["middle.png"]],
        ]);

        Assert.AreEqual((4 + (2 * 132), 4 + (2 * 132)), (sheet.Width, sheet.Height));
        Assert.AreEqual(Green, At(sheet, 131, 67)); // 128 x 64
        Assert.AreEqual(White, At(sheet, 131, 68));
        Assert.AreEqual(Red, At(sheet, 136 + 99, 4 + 99)); // as it is
        Assert.AreEqual(White, At(sheet, 136 + 100, 4 + 99));
        Assert.AreEqual(Red, At(sheet, 4, 136));
    }

    private static RgbImage Plain(int width, int height, (byte R, byte G, byte B) colour) =>
        new(width, height, [.. Enumerable.Range(0, width * height).SelectMany(_ => new[] { colour.R, colour.G, colour.B })]);

    private static (byte, byte, byte) At(RgbImage image, int x, int y)
    {
        var at = 3 * ((y * image.Width) + x);
        return (image.Pixels[at], image.Pixels[at + 1], image.Pixels[at + 2]);
    }
}
