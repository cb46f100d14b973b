using AirMLNet.Files;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Files;

[TestClass]
public sealed class FolderLockTests
{
    [TestMethod]
    public void ASecondOne_IsRefusedByName_UntilTheFirstIsDone()
    {
        using var folder = new TemporaryFolder();
        var work = folder["work"];
        using (FolderLock.Take(work))
        {
            var e = Assert.ThrowsExactly<IOException>(() => FolderLock.Take(work + "/"));
            Assert.Contains(work, e.Message);
            Assert.Contains("another process", e.Message);
        }

        Assert.IsEmpty(Directory.EnumerateFileSystemEntries(folder.Path));
        FolderLock.Take(work).Dispose();
    }

    [TestMethod]
    public void WhoWaits_IsToldOnce_AndHasItWhenTheFirstIsDone()
    {
        using var folder = new TemporaryFolder();
        var work = folder["work"];
        var first = FolderLock.Take(work);
        List<string> told = [];
        using (
            FolderLock.Wait(
                work,
                message =>
                {
                    told.Add(message);
                    first.Dispose();
                },
                CancellationToken.None
            )
        )
        {
            Assert.ThrowsExactly<IOException>(() => FolderLock.Take(work));
        }

        Assert.HasCount(1, told);
        Assert.Contains(work, told[0]);
        using var source = new CancellationTokenSource();
        using var held = FolderLock.Take(work);
        Assert.ThrowsExactly<OperationCanceledException>(() => FolderLock.Wait(work, _ => source.Cancel(), source.Token));
    }

    [TestMethod]
    public void AFileThatAKilledProcessLeft_LocksNothing()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["work.lock"], "");
        FolderLock.Take(folder["work"]).Dispose();
        Assert.IsFalse(File.Exists(folder["work.lock"]));
    }
}
