using AirMLNet.BuildTasks;

namespace AirMLNet.BuildTools.Tests;

[TestClass]
public sealed class PatchTorchSharpTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patch").FullName;

    private string Source => Path.Combine(_folder, "package", "libLibTorchSharp.so");

    private string Copy => Path.Combine(_folder, "obj", "libLibTorchSharp.so");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void ACopyIsMade_AndThePackageStaysAsItIs()
    {
        var original = Write(SmallElf.Create().Bytes);
        Assert.AreEqual(Copy, PatchTorchSharp.Patch(Source, Copy));
        CollectionAssert.AreEqual(original, File.ReadAllBytes(Source));
        Assert.AreEqual(2, File.ReadAllBytes(Copy)[SmallElf.FlagsAt]);
        Assert.HasCount(1, Directory.GetFiles(Path.GetDirectoryName(Copy)!));
    }

    [TestMethod]
    public void ACopyOfTheSameFileIsKept_AndOneOfAnOlderFileIsReplaced()
    {
        Write(SmallElf.Create().Bytes);
        PatchTorchSharp.Patch(Source, Copy);
        File.WriteAllBytes(Copy, [.. File.ReadAllBytes(Copy)[..^1], 7]); // told apart by its last byte
        File.SetLastWriteTimeUtc(Copy, File.GetLastWriteTimeUtc(Source).AddSeconds(1));
        PatchTorchSharp.Patch(Source, Copy);
        Assert.AreEqual(7, File.ReadAllBytes(Copy)[^1]);
        File.SetLastWriteTimeUtc(Source, File.GetLastWriteTimeUtc(Source).AddSeconds(1));
        PatchTorchSharp.Patch(Source, Copy);
        Assert.AreEqual(0, File.ReadAllBytes(Copy)[^1]);
    }

    [TestMethod]
    public void AnOlderCopyThatIsALink_DoesNotChangeWhatItLinksTo()
    {
        Write(SmallElf.Create().Bytes);
        Directory.CreateDirectory(Path.GetDirectoryName(Copy)!);
        var other = Path.Combine(_folder, "other.so");
        File.WriteAllText(other, "mine");
        File.CreateSymbolicLink(Copy, other);
        PatchTorchSharp.Patch(Source, Copy);
        Assert.AreEqual("mine", File.ReadAllText(other));
        Assert.AreEqual(2, File.ReadAllBytes(Copy)[SmallElf.FlagsAt]);
    }

    [TestMethod]
    public void WhatNeedsNoCopyHasNone()
    {
        var elf = SmallElf.Create();
        elf.Bytes[SmallElf.FlagsAt] = 2;
        Write(elf.Bytes);
        Assert.IsNull(PatchTorchSharp.Patch(Source, Copy));
        Assert.IsFalse(File.Exists(Copy));
    }

    [TestMethod]
    public void ADamagedFileIsNamed_AndLeavesNothing()
    {
        Write(SmallElf.Create().Bytes[..0x210]);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => PatchTorchSharp.Patch(Source, Copy));
        Assert.Contains(Source, e.Message);
        Assert.IsFalse(Directory.Exists(Path.GetDirectoryName(Copy)));
    }

    [TestMethod]
    public void TheAssemblyAsksNotToBeOptimised_WhereItsMarkIsThereOnce()
    {
        Directory.CreateDirectory(_folder);
        byte[] mark = [8, 1, 0, 2, 0, 0, 0, 0, 0];
        var (source, copy) = (Path.Combine(_folder, "TorchSharp.dll"), Path.Combine(_folder, "obj", "TorchSharp.dll"));
        File.WriteAllBytes(source, [7, .. mark, 9]);
        Assert.AreEqual(copy, PatchTorchSharp.Patch(source, copy));
        CollectionAssert.AreEqual(new byte[] { 7, 8, 1, 0, 3, 1, 0, 0, 0, 0, 9 }, File.ReadAllBytes(copy));
        File.Delete(copy);
        foreach (var other in new byte[][] { [7, 9], [.. mark, 0, .. mark] })
        {
            File.WriteAllBytes(source, other);
            Assert.IsNull(PatchTorchSharp.Patch(source, copy));
            Assert.IsFalse(File.Exists(copy));
        }
    }

    private byte[] Write(byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Source)!);
        File.WriteAllBytes(Source, bytes);
        return bytes;
    }
}
