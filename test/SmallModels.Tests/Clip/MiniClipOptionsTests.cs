using AirMLNet.Testing;

namespace AirMLNet.SmallModels.Tests;

[TestClass]
public sealed class MiniClipOptionsTests
{
    [TestMethod]
    public void A_value_out_of_range_names_the_option_the_value_and_the_range()
    {
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            new MiniClipOptions
            {
                DataFolder = "a",
                OutputFolder = "b",
                KeepPatches = 65,
            }
        );
        Assert.Contains("KeepPatches = 65; expected 1 to 64", e.Message);
    }

    [TestMethod]
    public void A_folder_without_the_photos_says_how_to_get_them()
    {
        using var folder = new TemporaryFolder();
        var trainer = new MiniClipTrainer(new MiniClipOptions { DataFolder = folder, OutputFolder = Path.Combine(folder, "out") });
        Assert.Contains("setup.sh --data", Assert.ThrowsExactly<DirectoryNotFoundException>(() => trainer.Train()).Message);
        Assert.IsFalse(Directory.Exists(Path.Combine(folder, "out")));
    }
}
