using System.Text.Json;
using AirMLNet.Testing;

namespace AirMLNet.Samples.Tests;

/// <summary>FolderWatcher as a user runs it. Its output is what the tests wait for.</summary>
[TestClass]
[OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)] // signals
public sealed class FolderWatcherTests
{
    private static SampleModel _model = null!;

    [ClassInitialize]
    public static void Fit(TestContext _) => _model = new SampleModel();

    [ClassCleanup]
    public static void Delete() => _model.Dispose();

    [TestMethod]
    public async Task NewPhotos_AreNamedWhenTheyAreWhole_AndCtrlCEnds()
    {
        using var folder = new TemporaryFolder();
        File.Copy(_model.Photos[0], folder["was-there.png"]);
        using var watcher = SampleProcess.Start("FolderWatcher", _model.Zip, folder.Path);
        await watcher.ErrorLine("watching");

        // Half a photo, and whole ones after it: the half waits, though it came first.
        var bytes = await File.ReadAllBytesAsync(_model.Photos[1]);
        await using (var half = File.Create(folder["half.png"]))
        {
            half.Write(bytes, 0, bytes.Length / 2);
            half.Flush();
            File.Copy(_model.Photos[2], folder["whole.png"]);
            Assert.AreEqual(Line(folder["whole.png"], 2), await watcher.Line());
            half.Write(bytes.AsSpan(bytes.Length / 2));
        }

        Assert.AreEqual(Line(folder["half.png"], 1), await watcher.Line());

        // Renamed, as downloads are; in a sub-folder that is moved here; and another content under a known name.
        File.Copy(_model.Photos[3], folder["photo.part"]);
        File.Move(folder["photo.part"], folder["renamed.png"]);
        Assert.AreEqual(Line(folder["renamed.png"], 3), await watcher.Line());
        using var elsewhere = new TemporaryFolder();
        Directory.CreateDirectory(elsewhere["sub"]);
        File.Copy(_model.Photos[4], elsewhere["sub", "moved.png"]);
        Directory.Move(elsewhere["sub"], folder["sub"]);
        Assert.AreEqual(Line(folder["sub", "moved.png"], 4), await watcher.Line());
        File.Copy(_model.Photos[5], folder["was-there.png"], overwrite: true);
        Assert.AreEqual(Line(folder["was-there.png"], 5), await watcher.Line());

        Assert.AreEqual(0, await watcher.Stop());
        var (output, errors) = await watcher.Rest();
        Assert.IsEmpty(output);
        Assert.AreEqual("FolderWatcher: 5 photos named", errors.Single());
    }

    [TestMethod]
    public async Task WhatIsNoPhoto_IsNamedOnStandardError_AndJsonGoesOn()
    {
        using var folder = new TemporaryFolder();
        using var watcher = SampleProcess.Start("FolderWatcher", _model.Zip, folder.Path, "--json");
        await watcher.ErrorLine("watching");
        await File.WriteAllTextAsync(folder["notes.txt"], "no photo by its name");
        await File.WriteAllTextAsync(folder["broken.png"], "no photo by its content");
        Assert.StartsWith($"FolderWatcher: {folder["broken.png"]}: ", await watcher.ErrorLine("FolderWatcher"));

        File.Copy(_model.Photos[7], folder["good.png"]);
        using var line = JsonDocument.Parse(await watcher.Line());
        var expected = _model.Classes[7];
        Assert.AreEqual(folder["good.png"], line.RootElement.GetProperty("image").GetString());
        Assert.AreEqual(expected[0].Name, line.RootElement.GetProperty("label").GetString());
        var scores = line.RootElement.GetProperty("scores").EnumerateArray().ToArray();
        Assert.AreEqual(
            string.Join(' ', expected.Select(c => c.Name)),
            string.Join(' ', scores.Select(s => s.GetProperty("label").GetString()))
        );
        Assert.AreEqual(expected[0].Score, scores[0].GetProperty("score").GetSingle(), 1e-4f);
        Assert.AreEqual(0, await watcher.Stop());
        Assert.IsEmpty((await watcher.Rest()).Output);
    }

    [TestMethod]
    [DataRow("usage: FolderWatcher", 2, "model.zip")]
    [DataRow("no-such-model.zip", 1, "no-such-model.zip", ".")]
    [DataRow("no-such-folder", 1, "MODEL", "no-such-folder")]
    public async Task WhatCannotBeWatched_IsOneLine(string part, int exitCode, params string[] arguments)
    {
        using var watcher = SampleProcess.Start(
            "FolderWatcher",
            [.. arguments.Select(a => a.Replace("MODEL", _model.Zip, StringComparison.Ordinal))]
        );
        Assert.AreEqual(exitCode, await watcher.ExitCode());
        var (output, errors) = await watcher.Rest();
        Assert.IsEmpty(output);
        Assert.Contains(part, errors.Single());
    }

    private static string Line(string path, int photo)
    {
        var classes = _model.Classes[photo].Take(3).Select(c => FormattableString.Invariant($"{c.Name}\t{c.Score:0.0000}"));
        return $"{path}\t{string.Join('\t', classes)}";
    }
}
