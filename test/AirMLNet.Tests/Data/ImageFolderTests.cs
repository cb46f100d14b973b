using System.Diagnostics;
using AirMLNet.Data;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Data;

[TestClass]
public sealed class ImageFolderTests
{
    private readonly TemporaryFolder _root = new();

    [TestCleanup]
    public void Remove() => _root.Dispose();

    private void Touch(params string[] files)
    {
        foreach (var file in files)
        {
            var path = Path.Combine(_root, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, []);
        }
    }

    [TestMethod]
    public void Images_come_in_ordinal_order_without_hidden_and_other_files()
    {
        Touch("b/2.PNG", "b/10.png", "a/x.jpeg", "a/deep/y.webp", "Z.gif", ".hidden/z.png", "a/.h.png", "a/notes.txt", "a/png");
        string[] paths = [.. ImageFolder.Open(_root, labelsFromSubfolders: false).Entries.Select(e => Path.GetRelativePath(_root, e.Path))];
        CollectionAssert.AreEqual(new[] { "Z.gif", "a/deep/y.webp", "a/x.jpeg", "b/10.png", "b/2.PNG" }, paths);
    }

    [TestMethod]
    public void The_contact_sheet_of_generated_images_is_no_photo_and_somebodys_own_picture_of_that_name_is()
    {
        Touch("made/contact-sheet.png", "made/synthesis.json", "made/images/0000.png", "own/contact-sheet.png");
        string[] paths = [.. ImageFolder.Open(_root, labelsFromSubfolders: false).Entries.Select(e => Path.GetRelativePath(_root, e.Path))];
        CollectionAssert.AreEqual(new[] { "made/images/0000.png", "own/contact-sheet.png" }, paths);
    }

    [TestMethod]
    public void Each_real_file_comes_once_whatever_links_lead_to_it()
    {
        Touch("a/1.png", "a/2.png", "b/3.png");
        Directory.CreateSymbolicLink(Path.Combine(_root, "a", "up"), _root);
        Directory.CreateSymbolicLink(Path.Combine(_root, "a", "up2"), "..");
        Directory.CreateSymbolicLink(Path.Combine(_root, "c"), Path.Combine(_root, "b"));
        Directory.CreateSymbolicLink(Path.Combine(_root, "loop"), Path.Combine(_root, "loop"));
        File.CreateSymbolicLink(Path.Combine(_root, "b", "4.png"), Path.Combine(_root, "a", "1.png"));
        var names = ImageFolder.Open(_root, labelsFromSubfolders: false).Entries.Select(e => Path.GetFileName(e.Path)).ToArray();
        CollectionAssert.AreEquivalent(new[] { "1.png", "2.png", "3.png" }, names);
    }

    [TestMethod]
    public void A_folders_name_in_decomposed_Unicode_is_the_class_in_composed()
    {
        Touch("cafe\u0301/1.png");
        Assert.AreEqual("caf\u00e9", ImageFolder.Open(_root, labelsFromSubfolders: true).Entries.Single().Label);
    }

    [TestMethod]
    public void The_first_subfolder_is_the_class()
    {
        Touch("cat/1.png", "cat/deep/2.png", "dog/3.jpg");
        var folder = ImageFolder.Open(_root, labelsFromSubfolders: true);
        CollectionAssert.AreEqual(new[] { "cat", "cat", "dog" }, folder.Entries.Select(e => e.Label).ToArray());
        Assert.IsTrue(ImageFolder.Open(_root, labelsFromSubfolders: false).Entries.All(e => e.Label is null));
    }

    /// <summary>Names of Linux are bytes; one that is not UTF-8 cannot be opened by it, and must not be left out in silence.</summary>
    [TestMethod]
    public void A_folder_whose_name_is_not_UTF8_is_listed_to_be_named_as_unreadable()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("names are bytes on Linux only");
        }

        Touch("ok.png");
        Shell("mkdir \"$(printf 'd\\351')\" && cp ok.png \"$(printf 'd\\351')/x.png\"");
        var paths = ImageFolder.Open(_root, false).Entries.Select(e => Path.GetFileName(e.Path)).ToArray();
        Shell("rm -r \"$(printf 'd\\351')\""); // nothing here can
        CollectionAssert.AreEqual(new[] { "d\ufffd", "ok.png" }, paths);

        void Shell(string line)
        {
            using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", line]) { WorkingDirectory = _root })!;
            shell.WaitForExit();
            Assert.AreEqual(0, shell.ExitCode);
        }
    }

    /// <summary>They were left out in silence, or the thumbnails beside photos counted as photos.</summary>
    [TestMethod]
    public void Pictures_of_other_kinds_are_counted_and_what_archives_and_disk_stations_add_is_none()
    {
        Touch("cat/1.png", "cat/2.HEIC", "cat/3.heic", "dog/4.avif", "dog/notes.txt", "__MACOSX/cat/1.png", "cat/@eaDir/1.png/small.jpg");
        var folder = ImageFolder.Open(_root, labelsFromSubfolders: true);
        Assert.AreEqual("1.png", Path.GetFileName(folder.Entries.Single().Path));
        Assert.AreEqual(
            $"{folder.Folder}: files that are not read are left out, 1 ending in .avif and 2 ending in .heic; save them as JPEG or PNG",
            folder.Others
        );
        CollectionAssert.AreEquivalent(new[] { "cat", "dog" }, ImageFolder.Subfolders(_root).ToArray());

        File.Delete(folder.Entries.Single().Path);
        Assert.Contains(
            "and 1 ending in .avif and 2 ending in .heic are there",
            Assert.ThrowsExactly<InvalidDataException>(() => ImageFolder.Open(_root, false)).Message
        );
    }

    /// <summary>On Linux a backslash is part of a name; it became a slash, and the photo another.</summary>
    [TestMethod]
    public void Names_have_slashes_for_folders_and_keep_all_else()
    {
        var name = Path.DirectorySeparatorChar == '/' ? "a/b\\c.png" : "a/b.png";
        Assert.AreEqual(name, ImageFolder.NameOf("photos", Path.Combine("photos", name.Replace('/', Path.DirectorySeparatorChar))));
    }

    [TestMethod]
    public void What_cannot_be_used_is_refused_by_name()
    {
        var missing = Path.Combine(_root, "missing");
        Assert.Contains(missing, Assert.ThrowsExactly<DirectoryNotFoundException>(() => ImageFolder.Open(missing, false)).Message);
        Assert.Contains("no images", Assert.ThrowsExactly<InvalidDataException>(() => ImageFolder.Open(_root, false)).Message);

        Touch("loose.png", "cat/1.png");
        var loose = Path.Combine(_root, "loose.png");
        Assert.Contains(loose, Assert.ThrowsExactly<InvalidDataException>(() => ImageFolder.Open(_root, true)).Message);
        Assert.Contains("not a file", Assert.ThrowsExactly<DirectoryNotFoundException>(() => ImageFolder.Open(loose, false)).Message);
    }

    [TestMethod]
    public void A_folder_lists_the_rarer_endings_too()
    {
        using var root = new TemporaryFolder();
        string[] names = ["a.tif", "b.tiff", "c.jfif", "d.jpe", "e.TIF", "f.JFIF"];
        foreach (var name in names)
        {
            File.WriteAllBytes(Path.Combine(root, name), []);
        }

        CollectionAssert.AreEqual(
            names,
            ImageFolder.Open(root, labelsFromSubfolders: false).Entries.Select(e => Path.GetFileName(e.Path)).ToArray()
        );
    }
}
