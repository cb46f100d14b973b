using AirMLNet.Images;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Images;

/// <summary>Files as people meet them, in test/data/images: damaged, cut off, very long, turned by their EXIF orientation.</summary>
[TestClass]
public sealed class DamagedImageTests
{
    private const int Mebibyte = 1 << 20;

    public static IEnumerable<object[]> Damaged => FilesOf("damaged");

    public static IEnumerable<object[]> Truncated => FilesOf("truncated");

    public static IEnumerable<object[]> Oriented => FilesOf("exif");

    [TestMethod]
    [DynamicData(nameof(Damaged))]
    public void A_damaged_file_is_read_or_refused_by_name(string file)
    {
        var path = TestData.Path(file);
        try
        {
            var image = ImageFile.Load(path);
            Assert.HasCount(3 * image.Width * image.Height, image.Pixels);
        }
        catch (UnreadableImageException e)
        {
            Assert.Contains(path, e.Message);
            Assert.AreEqual(path, e.ImagePath);
        }
    }

    [TestMethod]
    [DynamicData(nameof(Truncated))]
    public void A_file_that_was_cut_off_is_refused_by_name(string file)
    {
        var path = TestData.Path(file);
        var e = Assert.ThrowsExactly<UnreadableImageException>(() => ImageFile.Load(path));
        Assert.Contains(path, e.Message);
        Assert.Contains("ends early", e.Message);
    }

    /// <summary>It said "access denied", which sends people after the rights of the folder.</summary>
    [TestMethod]
    public void A_folder_is_refused_as_a_folder()
    {
        using var folder = new TemporaryFolder();
        var e = Assert.ThrowsExactly<UnreadableImageException>(() => ImageFile.Load(folder.Path));
        Assert.AreEqual($"{folder.Path}: a folder is no image file.", e.Message);
    }

    [TestMethod]
    [DynamicData(nameof(Oriented))]
    public void A_file_with_an_EXIF_orientation_is_upright(string file)
    {
        var image = ImageFile.Load(TestData.Path(file));
        Assert.AreEqual((40, 48), (image.Width, image.Height)); // stored as 48 x 40
    }

    [TestMethod]
    public void A_GIF_of_400_frames_takes_the_memory_of_one()
    {
        var path = TestData.Path("images/long.gif");
        var first = ImageFile.Load(path);
        Assert.AreEqual((1000, 1000), (first.Width, first.Height));

        (var code, var output, var error) = ChildProcess.Run("--image-memory", TestData.Path("images/exif/exif.jpg"), path);
        Assert.AreEqual(0, code, error);
        Assert.IsLessThan(60L * Mebibyte, long.Parse(output, System.Globalization.CultureInfo.InvariantCulture));
    }

    private static IEnumerable<object[]> FilesOf(string folder)
    {
        string[] files = [.. Directory.EnumerateFiles(TestData.Path(Path.Combine("images", folder))).Order(StringComparer.Ordinal)];
        Assert.IsNotEmpty(files);
        return files.Select(file => new object[] { Path.GetRelativePath(TestData.Root, file) });
    }

    /// <summary>Reading a pipe would wait for whoever writes into it, and a device never ends.</summary>
    [TestMethod]
    public void WhatIsNoPlainFile_IsRefusedWithoutReading()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("there are none");
        }

        using var folder = new TemporaryFolder();
        var (pipe, zeros) = (folder["pipe.png"], folder["zeros.png"]);
        using (var made = System.Diagnostics.Process.Start("mkfifo", [pipe]))
        {
            made.WaitForExit();
        }

        File.CreateSymbolicLink(zeros, "/dev/zero");
        foreach (var path in new[] { pipe, zeros })
        {
            Assert.AreEqual(
                $"{path}: the file is empty.",
                Assert.ThrowsExactly<UnreadableImageException>(() => ImageFile.Load(path)).Message
            );
        }
    }
}
