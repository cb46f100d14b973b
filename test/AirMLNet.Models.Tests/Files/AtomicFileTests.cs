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
        Assert.Contains("is a device", Assert.ThrowsExactly<IOException>(() => AtomicFile.Probe("/proc/airml-test")).Message);
        Assert.Contains("is a folder", Assert.ThrowsExactly<IOException>(() => AtomicFile.Probe(_root.Path)).Message);
        Assert.Contains("is a folder", Assert.ThrowsExactly<IOException>(() => AtomicFile.WriteText(_root["new"] + "/", "b")).Message);
        Assert.IsFalse(Directory.Exists(_root["new"]));
    }

    /// <summary>A process that is killed while it writes cannot delete what it wrote.</summary>
    [TestMethod]
    public void What_killed_writers_left_is_deleted_by_the_next_and_nothing_else()
    {
        var folder = _root["work"];
        var mark = "";
        AtomicFile.Write(
            Path.Combine(folder, "seed"),
            _ => mark = Path.GetFileName(Directory.GetFiles(folder).Single())["seed.".Length..^".tmp".Length]
        );
        string Left(string name, string mark) => Path.Combine(folder, $"{name}.{mark}.tmp");
        var dead = Left("0001.png", mark[..^1] + "0");
        var held = Left("0002.png", mark[..^1] + "1");
        string[] others =
        [
            Left("0003.png", "notes"),
            Left("0004.png", new string('f', mark.Length)), // of another machine, a moment ago
            Left("0005.png", mark[..^1] + "2"), // younger than its lock may be
            Path.Combine(folder, "seed"),
        ];
        foreach (var file in others.Append(dead).Append(held))
        {
            File.WriteAllText(file, "half");
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddMinutes(file == others[2] ? 1 : -1));
        }
        using (new FileStream(held, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            AtomicFile.Probe(Path.Combine(folder, "0001.png"));
        }
        CollectionAssert.AreEquivalent(others.Append(held).ToArray(), Directory.GetFiles(folder));

        // A folder that this process has not written to is gone through at its first file.
        Directory.Move(folder, _root["moved"]);
        AtomicFile.WriteText(_root["moved/0001.png"], "whole");
        Assert.IsFalse(File.Exists(_root[$"moved/{Path.GetFileName(held)}"]));
    }

    /// <summary>A command that is started anew at once finds files that are too young to be told from those being written.</summary>
    [TestMethod]
    public void What_was_too_young_is_looked_at_again()
    {
        var folder = _root["young"];
        var left = "";
        AtomicFile.Write(_root["young/seed"], _ => left = Directory.GetFiles(folder).Single().Replace("seed.", "out.zip."));
        Directory.Move(folder, _root["again"]);
        left = left.Replace(folder, _root["again"]);
        File.WriteAllText(left, "half");
        File.SetLastWriteTimeUtc(left, DateTime.UtcNow.AddMinutes(1));
        AtomicFile.WriteText(_root["again/first"], "a");
        Assert.IsTrue(File.Exists(left));

        File.SetLastWriteTimeUtc(left, DateTime.UtcNow.AddMinutes(-1));
        Assert.IsTrue(SpinWait.SpinUntil(Gone, TimeSpan.FromSeconds(20)));

        bool Gone()
        {
            AtomicFile.WriteText(_root["again/second"], "b");
            return !File.Exists(left);
        }
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
