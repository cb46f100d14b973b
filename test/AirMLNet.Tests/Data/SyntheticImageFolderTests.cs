using AirMLNet.Data;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Data;

[TestClass]
public sealed class SyntheticImageFolderTests
{
    private static readonly string[] Names = ["F/A-18", "red fox", "cat"];
    private readonly TemporaryFolder _root = new();

    [TestCleanup]
    public void CleanUp() => _root.Dispose();

    [TestMethod]
    public void ImagesAreThoseOfTheClassesFolders()
    {
        Image("cat/2.png", "cat/1.png", "cat/3.png", "Red_Fox/1.png", "F_A-18/1.png");
        var images = SyntheticImageFolder.FromFolder(_root, Names, most: 2);
        CollectionAssert.AreEqual(new[] { 0, 1, 2, 2 }, images.Select(i => i.Class).ToArray());
        CollectionAssert.AreEqual(new[] { "1.png", "2.png" }, images.Skip(2).Select(i => Path.GetFileName(i.Path)).ToArray());
    }

    [TestMethod]
    public void WhatSynthesizeLeaves_IsTakenWithItsContactSheet()
    {
        Image("contact-sheet.png", "images/cat/0.png", "images/red fox/0.png");
        Assert.HasCount(2, SyntheticImageFolder.FromFolder(_root, Names));
    }

    [TestMethod]
    public void TheFolderOfALongName_IsThatOfItsClass_UnlessTwoBeginAlike()
    {
        var stem = string.Concat(Enumerable.Repeat("cup ", 25));
        string[] names = [stem + "of tea", "cup/saucer", "saucer"];
        var folder = SyntheticImageFolder.NameOf(names[0]);
        Assert.AreEqual(stem.TrimEnd(), folder);
        Assert.AreEqual(0, SyntheticImageFolder.ClassOf(folder, names));
        Assert.AreEqual(1, SyntheticImageFolder.ClassOf(SyntheticImageFolder.NameOf(names[1]), names));
        Assert.IsNull(SyntheticImageFolder.ClassOf(folder, [.. names, stem + "of coffee"]));
        Assert.Contains(
            $"1 class names are longer than 100 characters; their folders have the beginning, the first '{folder}'",
            SyntheticImageFolder.Cut(names)!
        );
        Assert.IsNull(SyntheticImageFolder.Cut(names[1..]));
    }

    [TestMethod]
    public void AFolderThatIsNoClass_OrCouldBeTwo_IsNamed()
    {
        Image("dog/1.png");
        Assert.Contains(
            "its folder 'dog' is none of the classes",
            Assert.ThrowsExactly<InvalidDataException>(() => SyntheticImageFolder.FromFolder(_root, Names)).Message
        );
        Assert.IsNull(SyntheticImageFolder.ClassOf("a b", ["a-b", "a+b"]));
        Assert.AreEqual(0, SyntheticImageFolder.ClassOf("a-b", ["a-b", "a+b"]));
    }

    private void Image(params string[] paths)
    {
        foreach (var path in paths)
        {
            var full = Path.Combine(_root, path);
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            File.WriteAllText(full, "x");
        }
    }
}
