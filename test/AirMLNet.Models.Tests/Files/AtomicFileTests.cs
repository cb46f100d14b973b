using System.Text;
using AirMLNet.Files;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Files;

[TestClass]
public sealed class AtomicFileTests
{
    private readonly TemporaryFolder _root = new();

    [TestCleanup]
    public void Remove() => _root.Dispose();

    [TestMethod]
    public void A_write_that_fails_leaves_the_old_file_and_nothing_else()
    {
        var path = Path.Combine(_root, "sub", "file.bin");
        AtomicFile.Write(path, s => s.Write("old"u8));
        Assert.ThrowsExactly<InvalidOperationException>(() =>
            AtomicFile.Write(
                path,
                s =>
                {
                    s.Write("half"u8);
                    throw new InvalidOperationException("cut");
                }
            )
        );
        Assert.AreEqual("old", File.ReadAllText(path));
        Assert.HasCount(1, Directory.GetFiles(Path.GetDirectoryName(path)!));

        AtomicFile.Write(path, s => s.Write("new"u8));
        Assert.AreEqual("new", File.ReadAllText(path));
    }

    [TestMethod]
    public void A_link_stays_and_what_it_leads_to_is_replaced()
    {
        var (file, link) = (Path.Combine(_root, "file"), Path.Combine(_root, "link"));
        File.WriteAllText(file, "old");
        File.CreateSymbolicLink(link, file);
        AtomicFile.WriteText(link, "new");
        Assert.AreEqual("new", File.ReadAllText(file));
        Assert.AreEqual(file, new FileInfo(link).LinkTarget);
    }

    [TestMethod]
    public void A_file_in_the_place_of_a_folder_and_a_device_are_refused_by_name()
    {
        var file = Path.Combine(_root, "file");
        File.WriteAllText(file, "x");
        Assert.Contains("is a file", Assert.ThrowsExactly<IOException>(() => AtomicFile.WriteText(Path.Combine(file, "a"), "b")).Message);
        Assert.Contains("is a device", Assert.ThrowsExactly<IOException>(() => AtomicFile.WriteText("/dev/airml-test", "b")).Message);
        Assert.IsFalse(File.Exists("/dev/airml-test"));
    }

    [TestMethod]
    public void The_hash_is_that_of_the_content()
    {
        var path = Path.Combine(_root, "abc");
        File.WriteAllText(path, "abc", new UTF8Encoding(false));
        // FIPS 180-4, the example for one block.
        Assert.AreEqual("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", FileHash.Sha256(path));
    }
}
