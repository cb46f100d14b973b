using AirMLNet.Captions;
using AirMLNet.Images;

namespace AirMLNet.Tests.Captions;

/// <summary>What the reference case collage-tiny does not show.</summary>
[TestClass]
public sealed class GroupCollageTests
{
    [TestMethod]
    public void WithTwoImagesTheLowerHalfStaysBlack()
    {
        var white = White(50, 50);
        var canvas = GroupCollage.Of([white, white]);
        Assert.AreEqual((672, 672), (canvas.Width, canvas.Height));
        Assert.AreEqual(2 * 326 * 326 * 3, canvas.Pixels.Count(p => p == 255));
        Assert.IsTrue(canvas.Pixels.Skip(3 * 672 * 326).All(p => p == 0));
    }

    [TestMethod]
    public void ASideThatWouldVanishKeepsAPixel() =>
        Assert.AreEqual(new GroupCollage.Place(0, 162, 326, 1), GroupCollage.Places([(2000, 1)], 20, 672, 672)[0]);

    [TestMethod]
    public void WhatDoesNotFitIsRefused()
    {
        Assert.ThrowsExactly<ArgumentException>(() => GroupCollage.Of([White(3, 3)], gap: 700));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => GroupCollage.Of([]));
    }

    private static RgbImage White(int width, int height)
    {
        var pixels = new byte[3 * width * height];
        Array.Fill(pixels, byte.MaxValue);
        return new(width, height, pixels);
    }
}
