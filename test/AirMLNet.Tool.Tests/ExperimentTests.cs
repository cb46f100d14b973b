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
        Assert.Contains("0 runs are there already", ToolProcess.Run("experiment", _folder["file.json"], "--plan").Succeeded());
        var first = ToolProcess.Run("experiment", _folder["file.json"]);
        Assert.Contains("| air-cpl | ", first.Succeeded());
        Assert.Contains("[8/8] colours, air-cpl, trzsl, text, seed 2: ", first.Error);
        var second = ToolProcess.Run("experiment", _folder["file.json"], "--json");
        Assert.DoesNotContain("[8/8]", second.Error);
        using var json = JsonDocument.Parse(second.Succeeded());
        Assert.AreEqual(8, json.RootElement.GetArrayLength());
        Assert.AreEqual(first.Output, File.ReadAllText(Path.Combine(_folder["out"], "results.md")));
    }

    [TestMethod]
    public void BadFilesAreOneLine()
    {
        ToolProcess.Run("experiment", _folder["none.json"]).Failed(1, "none.json: the experiment file does not exist");
        File.WriteAllText(_folder["bad.json"], "{");
        ToolProcess.Run("experiment", _folder["bad.json"]).Failed(1, "bad.json");
    }
}
