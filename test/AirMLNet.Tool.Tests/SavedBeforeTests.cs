using System.Text.Json;
using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary>
/// Models in format 1 that were saved before the library was split into two packages load and score as they did: test/data/saved holds
/// one with text prompts and prototypes and one with a visual prompt, three images, and what was said of them then.
/// </summary>
[TestClass]
public sealed class SavedBeforeTests
{
    [TestMethod]
    [DataRow("prototypes")]
    [DataRow("visual")]
    public void AModelSavedBefore_StillScoresTheSame(string name)
    {
        var home = ("AIRMLNET_HOME", Path.GetDirectoryName(TinyData.MiniClip())!);
        var saved = TestData.Path("saved");
        var said = ToolProcess
            .Run(
                AppContext.BaseDirectory,
                [home],
                "predict",
                Path.Combine(saved, name + ".zip"),
                Path.Combine(saved, "images"),
                "--json",
                "--top",
                "10"
            )
            .Succeeded();

        var now = Scores(said);
        var then = Scores(File.ReadAllText(Path.Combine(saved, name + ".json")));
        Assert.HasCount(3, then);
        CollectionAssert.AreEquivalent(then.Keys, now.Keys);
        foreach (var (image, scores) in then)
        {
            Assert.HasCount(10, scores);
            foreach (var (label, score) in scores)
            {
                Assert.AreEqual(score, now[image][label], 1e-4, $"{image}, {label}");
            }
        }
    }

    private static Dictionary<string, Dictionary<string, double>> Scores(string lines) =>
        lines
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .ToDictionary(
                row => Path.GetFileName(row.GetProperty("image").GetString()!),
                row =>
                    row.GetProperty("scores")
                        .EnumerateArray()
                        .ToDictionary(t => t.GetProperty("label").GetString()!, t => t.GetProperty("score").GetDouble())
            );
}
