namespace AirMLNet.Tool.Tests;

/// <summary><c>airml data</c> and <c>airml train</c> where their data is missing.</summary>
[TestClass]
public sealed class DataTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void CleanUp() => _folder.Dispose();

    [TestMethod]
    public void WithoutThePackageNothingIsExported()
    {
        ToolProcess.Run("data", "cifar10", "--from", _folder["package"], "-o", _folder["photos"]).Failed(1, _folder["package"]);
        Assert.IsFalse(Directory.Exists(_folder["photos"]));
    }

    [TestMethod]
    public void MorePhotosThanThereAreAreRefused() =>
        ToolProcess.Run("data", "cifar10", "--from", _folder.Path, "-o", _folder["photos"], "--skip", "49000", "--pool", "2000")
            .Failed(2, "49000", "2000", "50000");

    [TestMethod]
    public void WithoutThePackageNothingIsTrained() =>
        ToolProcess.Run("train", "mini-clip", "--data", _folder["package"], "-o", _folder["model"]).Failed(1, _folder["package"]);
}
