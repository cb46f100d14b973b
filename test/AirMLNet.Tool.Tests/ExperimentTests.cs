using System.Text.Json;
using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary><c>airml experiment</c> as a user runs it.</summary>
[TestClass]
public sealed class ExperimentTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void CleanUp() => _folder.Dispose();

    [TestMethod]
    public void AFileBecomesATableAndASecondRunTakesNothingNew()
    {
        TinyClip.Create(_folder["clip"]);
        TinyData.Images(_folder["set/train"], 6, byClass: true);
        TinyData.Images(_folder["set/test"], 4, byClass: true);
        TinyData.Images(_folder["synthetic"], 2, byClass: true);
        File.WriteAllText(
            _folder["file.json"],
            """
            { "name": "colours", "clip": "clip", "output": "out", "dataSets": [{ "name": "colours", "folder": "set", "synthetic": "synthetic" }],
              "methods": ["zero-shot", "air-cpl"], "paradigms": ["ul", "trzsl"], "seeds": [1, 2],
              "settings": { "rounds": 2, "epochs": 2, "batchSize": 8, "promptLength": 3, "warmUpEpochs": 1 } }
            """
        );
        var dry = Airml.Run("experiment", _folder["file.json"], "--dry-run", "--gpu", "40");
        Assert.Contains("8 runs to do, about ", dry.Succeeded());
        Assert.Contains("[8/8] colours, air-cpl, trzsl, text, seed 2: reads 18 images of the pool, ", dry.Output);
        Assert.Contains("--gpu is 40, but", dry.Error);
        Airml.Run("experiment", _folder["file.json"], "--gpu", "40").Failed(1, "--gpu is 40", "--fallback-to-cpu");
        var first = Airml.Run("experiment", _folder["file.json"]);
        Assert.Contains("| air-cpl | ", first.Succeeded());
        Assert.Contains("[8/8] colours, air-cpl, trzsl, text, seed 2: ", first.Error);
        var second = Airml.Run("experiment", _folder["file.json"], "--json");
        Assert.DoesNotContain("[8/8]", second.Error);
        using var json = JsonDocument.Parse(second.Succeeded());
        Assert.AreEqual(8, json.RootElement.GetArrayLength());
        Assert.AreEqual(first.Output, File.ReadAllText(Path.Combine(_folder["out"], "results.md")));
    }

    [TestMethod]
    public void FoldersAndMembersAreGivenOnTheCommandLine()
    {
        TinyClip.Create(_folder["models", "clip"]);
        TinyData.Images(_folder["data", "set", "train"], 6, byClass: true);
        TinyData.Images(_folder["data", "set", "test"], 4, byClass: true);
        File.WriteAllText(
            _folder["file.json"],
            """
            { "name": "colours", "data": "elsewhere", "models": "elsewhere", "clip": "clip", "output": "out", "methods": ["zero-shot"],
              "dataSets": [{ "name": "colours", "folder": "set" }, { "name": "Flowers102" }] }
            """
        );
        string[] run = ["experiment", _folder["file.json"], "--data", _folder["data"], "--models", _folder["models"], "--set", "seeds=[4]"];
        Airml.Run(run).Failed(1, "1 of 2 data sets are not there: Flowers102");
        var only = Airml.Run([.. run, "--skip-missing"]);
        Assert.Contains("seeds 4.", only.Succeeded());
        Assert.Contains("left out, not there: Flowers102", only.Error);
        Airml.Run([.. run, "--set", "colour=1"]).Failed(1, "colour");
    }

    [TestMethod]
    public void BadFilesAreOneLine()
    {
        Airml.Run("experiment", _folder["none.json"]).Failed(1, "none.json: the experiment file does not exist");
        File.WriteAllText(_folder["bad.json"], "{");
        Airml.Run("experiment", _folder["bad.json"]).Failed(1, "bad.json");
    }
}
