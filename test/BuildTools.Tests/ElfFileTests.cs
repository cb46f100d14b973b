using AirMLNet.BuildTasks;

namespace AirMLNet.BuildTools.Tests;

[TestClass]
public sealed class ElfFileTests
{
    [TestMethod]
    public void TheNeededVersionBecomesWeak_AndNothingElseChanges()
    {
        byte[] before = SmallElf.Create().Bytes,
            after = (byte[])before.Clone();
        Assert.IsTrue(new ElfFile(after, "small.so").MakeWeak(SmallElf.Needed));
        Assert.AreEqual(2, after[SmallElf.FlagsAt]);
        after[SmallElf.FlagsAt] = 0;
        CollectionAssert.AreEqual(before, after);
    }

    [TestMethod]
    public void AWeakVersion_AndOneThatIsNotNeeded_ChangeNothing()
    {
        var elf = SmallElf.Create();
        Assert.IsFalse(new ElfFile(elf.Bytes, "small.so").MakeWeak("GLIBCXX_3.4.33"));
        elf.Bytes[SmallElf.FlagsAt] = 2;
        var before = (byte[])elf.Bytes.Clone();
        Assert.IsFalse(new ElfFile(elf.Bytes, "small.so").MakeWeak(SmallElf.Needed));
        CollectionAssert.AreEqual(before, elf.Bytes);
    }

    [TestMethod]
    public void DefinedVersionsAreFound()
    {
        var file = new ElfFile(SmallElf.Create().Bytes, "small.so");
        Assert.IsTrue(file.Defines(SmallElf.Defined));
        Assert.IsFalse(file.Defines(SmallElf.Needed));
    }

    [TestMethod]
    public void AVersionThatIsReallyUsedIsRefused()
    {
        var elf = SmallElf.Create(used: true);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => new ElfFile(elf.Bytes, "small.so").MakeWeak(SmallElf.Needed));
        Assert.Contains("small.so really uses a symbol of version GLIBCXX_3.4.32", e.Message);
        Assert.AreEqual(0, elf.Bytes[SmallElf.FlagsAt]);
    }

    [TestMethod]
    [DataRow(0, "no ELF file")]
    [DataRow(4, "no 64-bit little-endian")]
    [DataRow(5, "no 64-bit little-endian")]
    public void OtherFilesAreRefused(int wrongByte, string message)
    {
        var bytes = SmallElf.Create().Bytes;
        bytes[wrongByte] = 9;
        Assert.Contains(message, Assert.ThrowsExactly<InvalidDataException>(() => new ElfFile(bytes, "small.so")).Message);
    }

    [TestMethod]
    public void AFileCutAtAnyPlace_IsReadOrRefused()
    {
        var whole = SmallElf.Create().Bytes;
        var refused = 0;
        for (var length = 0; length < whole.Length; length++)
        {
            refused += Refused(whole[..length]);
        }

        Assert.AreEqual(whole.Length, refused, "The segment covers the file: whatever is cut off is missed.");
    }

    [TestMethod]
    public void DamagedFiles_AreReadOrRefused()
    {
        var random = new Random(1);
        var whole = SmallElf.Create().Bytes;
        var refused = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = (byte[])whole.Clone();
            for (var k = random.Next(1, 4); k > 0; k--)
            {
                bytes[random.Next(0x340)] = (byte)random.Next(256);
            }

            refused += Refused(bytes);
        }

        Assert.IsGreaterThan(1000, refused);
    }

    /// <summary>1 where the file is refused; any other exception than the documented one goes through.</summary>
    private static int Refused(byte[] bytes)
    {
        try
        {
            var file = new ElfFile(bytes, "small.so");
            file.Defines(SmallElf.Defined);
            file.MakeWeak(SmallElf.Needed);
            return 0;
        }
        catch (InvalidDataException)
        {
            return 1;
        }
    }
}
