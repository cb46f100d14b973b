using AirMLNet.Files;
using AirMLNet.Options;
using AirMLNet.Testing;

namespace AirMLNet.SmallModels.Tests;

[TestClass]
public sealed class MiniClipTrainerTests
{
    private static TemporaryFolder s_root = null!;

    [ClassInitialize]
    public static void WriteData(TestContext _)
    {
        s_root = new();
        TinyCifar10.Create(Path.Combine(s_root, "data"));
    }

    [ClassCleanup]
    public static void RemoveData() => s_root.Dispose();

    private static MiniClipOptions Options(string output) =>
        new()
        {
            DataFolder = Path.Combine(s_root, "data"),
            OutputFolder = Path.Combine(s_root, output),
            Photos = 240,
            BatchSize = 16,
            Epochs = 1,
            TextEpochs = 1,
            CheckpointEvery = 4,
            JudgedPhotos = 500,
        };

    [TestMethod]
    public void A_run_that_was_cut_ends_with_the_weights_of_one_that_was_not_and_with_a_card()
    {
        using var data = Cifar10.Open(Path.Combine(s_root, "data"));
        var whole = Options("whole");
        new MiniClipTrainer(whole).Fit(data);

        // 15 steps: progress is told after step 10, the last checkpoint is that of step 8.
        using var cut = new CancellationTokenSource();
        var parts = Options("parts");
        var seen = new List<int>();
        Assert.ThrowsExactly<OperationCanceledException>(() =>
            new MiniClipTrainer(
                parts with
                {
                    CancellationToken = cut.Token,
                    Progress = new DirectProgress(p =>
                    {
                        seen.Add((int)p.Done);
                        cut.Cancel();
                    }),
                }
            ).Train()
        );
        CollectionAssert.AreEqual(new[] { 10 }, seen);
        Assert.IsFalse(File.Exists(Path.Combine(parts.OutputFolder, "model.safetensors")), "no model before the end");

        seen.Clear();
        var result = new MiniClipTrainer(parts with { Progress = new DirectProgress(p => seen.Add((int)p.Done)) }).Train();
        CollectionAssert.AreEqual(new[] { 10, 15 }, seen);
        foreach (var file in new[] { "model.safetensors", "vocab.json", "merges.txt", "config.json" })
        {
            Assert.AreEqual(
                FileHash.Sha256(Path.Combine(whole.OutputFolder, file)),
                FileHash.Sha256(Path.Combine(parts.OutputFolder, file)),
                file
            );
        }

        // Flat colours that differ by class: even 15 steps leave features that a linear probe can tell apart.
        Assert.IsGreaterThan(0.9, result.LinearProbeAccuracy);
        var card = File.ReadAllText(Path.Combine(parts.OutputFolder, "README.md"));
        Assert.Contains("--photos 240 --epochs 1 --batch 16 --text-epochs 1", card);
        Assert.Contains(FormattableString.Invariant($"{100 * result.LinearProbeAccuracy:F1} %"), card);
        Assert.IsFalse(Directory.Exists(Path.Combine(parts.OutputFolder, "checkpoint")), "nothing but the model stays");
    }

    [TestMethod]
    public void A_checkpoint_of_other_settings_is_refused_in_both_stages()
    {
        using var data = Cifar10.Open(Path.Combine(s_root, "data"));
        var options = Options("settings") with { Photos = 100, BatchSize = 50 };
        new MiniClipTrainer(options).Fit(data);
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => new MiniClipTrainer(options with { Seed = 2 }).Train());
        Assert.Contains("seed 1", error.Message);

        Directory.Delete(Path.Combine(options.OutputFolder, "checkpoint", "joint"), recursive: true);
        error = Assert.ThrowsExactly<InvalidOperationException>(() => new MiniClipTrainer(options with { Seed = 2 }).Train());
        Assert.Contains("seed 1", error.Message);

        var state = Path.Combine(options.OutputFolder, "checkpoint", "run", "state.json");
        File.WriteAllText(state, "{");
        Assert.Contains(state, Assert.ThrowsExactly<InvalidDataException>(() => new MiniClipTrainer(options).Train()).Message);
    }

    [TestMethod]
    public void A_folder_without_the_photos_names_the_file_that_is_missing()
    {
        var options = Options("none") with { DataFolder = Directory.CreateDirectory(Path.Combine(s_root, "empty")).FullName };
        Assert.Contains(
            "train_lables.json",
            Assert.ThrowsExactly<DirectoryNotFoundException>(() => new MiniClipTrainer(options).Train()).Message
        );
        Assert.IsFalse(Directory.Exists(options.OutputFolder));
    }
}
