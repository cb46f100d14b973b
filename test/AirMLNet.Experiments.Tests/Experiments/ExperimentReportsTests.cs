using AirMLNet.Experiments;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Experiments;

/// <summary>What an experiment tells besides accuracy, and the methods that learn from labels.</summary>
[TestClass]
public sealed class ExperimentReportsTests
{
    private readonly TemporaryFolder _root = new();

    [TestInitialize]
    public void LayOut() => ColourExperiment.LayOut(_root);

    [TestCleanup]
    public void CleanUp() => _root.Dispose();

    [TestMethod]
    public void CoOpAndVpt_LearnFromLabelsAlone_AndAreNoRowsOfUl()
    {
        File.WriteAllLines(_root["seen.txt"], ["red", "blue"]);
        var file = ColourExperiment.Load(
            _root,
            """["coop", "vpt", "fpl"]""",
            """ "seeds": [1], "paradigms": ["ul", "ssl", "trzsl"], "prompts": ["text", "visual"] """,
            """[{ "name": "colours", "csv": "set/set.csv", "splitFile": "seen.txt" }]"""
        );
        var results = ExperimentRunner.Run(file);
        CollectionAssert.AreEqual(
            new[] { "coop ssl", "coop trzsl", "fpl ul", "fpl ssl", "fpl trzsl", "vpt ssl", "vpt trzsl", "fpl ul", "fpl ssl", "fpl trzsl" },
            results.Select(r => $"{r.Method} {r.Paradigm}").ToArray()
        );
        Assert.IsTrue(results.Where(r => r.Paradigm == "trzsl").All(r => r.Scores.Harmonic is not null));
        Assert.IsTrue(results.Where(r => r.Method != "fpl").All(r => r.Rounds is null && r.Images[1] == 0));

        // Other images in the pool are another key, but unlabelled ones have no part in what is learned.
        var lines = File.ReadAllLines(_root["set", "set.csv"]);
        File.WriteAllLines(_root["set", "set.csv"], lines.Where(l => l != "34.png,green,train"));
        var fewer = ExperimentRunner.Run(file);
        Assert.AreNotEqual(results[1].Hash, fewer[1].Hash);
        Assert.AreEqual(results[1].Scores, fewer[1].Scores);
    }

    [TestMethod]
    public void OneSeenClass_IsTooFewToLearnFrom()
    {
        var file = ColourExperiment.Load(_root, """["coop"]""", """ "seeds": [1], "paradigms": ["trzsl"] """);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => ExperimentRunner.Run(file));
        Assert.Contains("'coop' learns from the seen classes alone, and the split of 'colours' has 1", e.Message);
    }

    [TestMethod]
    public void TheLabelsOfEveryRound_AreMeasuredInAllAndByClass()
    {
        var file = ColourExperiment.Load(
            _root,
            """["grip", "cpl", "air-grip", { "name": "L_s only", "method": "air-grip", "settings": { "pseudoLabelWeight": 0, "prototypes": false } }]""",
            """ "seeds": [1, 2], "paradigms": ["ul", "trzsl"], "rounds": true """
        );
        var results = ExperimentRunner.Run(file);
        foreach (var run in results)
        {
            Assert.AreEqual(run.Method != "L_s only", run.Rounds is not null, run.Method);
            foreach (var (round, t) in (run.Rounds ?? []).Select((r, t) => (r, t)))
            {
                Assert.AreEqual(t + 1, round.Round);
                Assert.IsTrue(round is { Purity: >= 0 and <= 1, Pool: >= 0 and <= 1, Images: > 0 });
                Assert.HasCount(3, round.PurityOfClass);
            }
        }

        // UL, GRIP: all labels of the last round are of the pool's 36 images, and purity is what its classes' shares say.
        var last = results.First(r => r is { Method: "grip", Paradigm: "ul" }).Rounds![^1];
        Assert.IsGreaterThanOrEqualTo(last.PurityOfClass.Min()!.Value, last.Purity);
        Assert.IsLessThanOrEqualTo(last.PurityOfClass.Max()!.Value, last.Purity);
        var table = File.ReadAllText(Path.Combine(file.Output, "results.md"));
        Assert.Contains("### colours: labels of each round", table);
        Assert.Contains("| grip | text | ul | purity | ", table);
        Assert.Contains("|  | prompt | paradigm | red | green | blue |", table.Replace("| blue | green | red |", "| red | green | blue |"));
    }

    [TestMethod]
    public void APromptIsTriedOnTheOtherSets_WithTheirClasses()
    {
        const string Sets = """
            [{ "name": "one", "csv": "set/set.csv", "synthetic": "synthetic", "classes": ["red", "green"] },
             { "name": "other", "csv": "set/set.csv", "synthetic": "synthetic", "classes": ["green", "blue", "red"] }]
            """;
        var file = ColourExperiment.Load(_root, """["zero-shot", "fpl"]""", """ "seeds": [1], "transfer": true """, Sets);
        var results = ExperimentRunner.Run(file);
        Assert.HasCount(4, results);
        var (one, other) = (results[0], results[2]);
        CollectionAssert.AreEqual(new[] { 24, 0, 16 }, one.Images);
        // Zero-shot has learned nothing: it is on the other set what it is there.
        Assert.AreEqual(other.Scores.Accuracy, one.Transfer!["other"], 1e-9);
        Assert.AreEqual(one.Scores.Accuracy, other.Transfer!["one"], 1e-9);
        Assert.IsTrue(results.All(r => r.Transfer!.Count == 1));
        var table = File.ReadAllText(Path.Combine(file.Output, "results.md"));
        Assert.Contains("## Transfer, text prompts, ul", table);
        Assert.Contains("| fpl | one | ", table);
    }

    [TestMethod]
    public void ProbeWithAllLabels_IsTheFarEndOfTheGap()
    {
        var file = ColourExperiment.Load(_root, """["zero-shot", "grip"]""", """ "seeds": [1], "probe": true """);
        var results = ExperimentRunner.Run(file);
        // Three colours are told apart by any probe that has their labels.
        Assert.IsTrue(results.All(r => r.Probe is > 0.9 and <= 1), string.Join(", ", results.Select(r => r.Probe)));
        double zero = results[0].Figure,
            grip = results[1].Figure,
            probe = results[0].Probe!.Value;
        var table = File.ReadAllText(Path.Combine(file.Output, "results.md"));
        Assert.Contains("| method | ul | of the gap, ul |", table);
        var share = zero < probe ? ExperimentTable.Percent((grip - zero) / (probe - zero)) : "–";
        Assert.Contains($"± 0.00 | {share} |", table.Split('\n').Single(l => l.StartsWith("| grip |", StringComparison.Ordinal)));

        // Without zero-shot there is no gap to speak of, and a file that asks for no probe shares no run with this one.
        var other = ColourExperiment.Load(_root, """["grip"]""", """ "seeds": [1], "probe": true """);
        Assert.AreEqual(results[1].Hash, ExperimentRunner.Run(other).Single().Hash);
        Assert.DoesNotContain("of the gap", File.ReadAllText(Path.Combine(other.Output, "results.md")));
        Assert.IsNull(ExperimentRunner.Run(ColourExperiment.Load(_root, """["grip"]""", """ "seeds": [1] """)).Single().Probe);
    }

    [TestMethod]
    public void FewerSyntheticImages_AreTheFirstOnes_AndAnotherRun()
    {
        var file = ColourExperiment.Load(
            _root,
            """["air-grip", { "name": "one", "method": "air-grip", "mostSynthetic": 1 }, { "name": "two", "method": "air-grip", "mostSynthetic": 2 }]""",
            """ "seeds": [1] """
        );
        var results = ExperimentRunner.Run(file);
        CollectionAssert.AreEqual(new[] { 9, 3, 6 }, results.Select(r => r.Images[1]).ToArray());
        Assert.HasCount(3, results.Select(r => r.Hash).Distinct().ToList());
    }

    [TestMethod]
    public void ASetOfClassesThatAreNone_IsNamed()
    {
        const string Sets = """[{ "name": "one", "csv": "set/set.csv", "classes": ["red", "pink"] }]""";
        var e = Assert.ThrowsExactly<InvalidDataException>(() =>
            ExperimentRunner.Run(ColourExperiment.Load(_root, """["fpl"]""", """ "seeds": [1] """, Sets))
        );
        Assert.Contains("'pink' is none of", e.Message);
    }
}
