using AirMLNet.Data;
using AirMLNet.Experiments;
using AirMLNet.Images;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Experiments;

[TestClass]
public sealed class ExperimentTests
{
    private const string All = """["zero-shot", "fpl", "ifpl", "grip", "cpl", "air-grip", "air-cpl"]""";
    private readonly TemporaryFolder _root = new();

    [TestInitialize]
    public void LayOut()
    {
        TinyClip.Create(Path.Combine(_root, "clip"));
        var random = new Random(3);
        var lines = new List<string> { "path,label,split" };
        for (var i = 0; i < 60; i++)
        {
            ImageFile.SavePng(Path.Combine(_root, "set", $"{i}.png"), TinyClip.Picture(i % 3, random));
            lines.Add($"{i}.png,{StageFixture.Names[i % 3]},{(i < 36 ? "train" : "test")}");
        }
        File.WriteAllLines(Path.Combine(_root, "set", "set.csv"), lines);
        foreach (var name in StageFixture.Names)
        {
            for (var i = 0; i < 3; i++)
            {
                ImageFile.SavePng(
                    Path.Combine(_root, "synthetic", name, $"{i}.png"),
                    TinyClip.Picture(Array.IndexOf(StageFixture.Names, name), random)
                );
            }
        }
    }

    [TestCleanup]
    public void CleanUp() => _root.Dispose();

    [TestMethod]
    public void TheWholeGrid_RunsOnce_AndIsTakenFromTheCacheAfterwards()
    {
        var file = Load(All, """ "paradigms": ["ul", "ssl", "trzsl"], "prompts": ["text", "visual"], "seeds": [1, 2] """);
        var steps = new List<ExperimentStep>();
        var results = ExperimentRunner.Run(file, new() { Step = steps.Add });
        Assert.HasCount(7 * 3 * 2 * 2, results);
        Assert.IsTrue(results.All(r => r.Scores.Accuracy is >= 0 and <= 1 && (r.Paradigm == "trzsl") == r.Scores.Harmonic.HasValue));
        Assert.AreEqual(results.Count, results.Select(r => r.Hash).Distinct().Count());
        CollectionAssert.AreEqual(new[] { 36, 9, 24 }, results.First(r => r.Method == "air-cpl").Images);
        Assert.IsTrue(
            results
                .Where(r => r.Method.StartsWith("air", StringComparison.Ordinal))
                .All(r => r.FusedLabels is not null && r.TextLabels is not null)
        );

        string lines = File.ReadAllText(Path.Combine(file.Output, "runs.jsonl")),
            table = File.ReadAllText(Path.Combine(file.Output, "results.md"));
        Assert.HasCount(results.Count, lines.TrimEnd().Split('\n'));
        Assert.Contains("| method | ul | ssl | trzsl | rounds × epochs | fit, seconds |", table);
        Assert.Contains("| air-cpl | ", table);
        Assert.Contains(" | 2 × 2 | ", table); // what is compared has trained as long, or the table says so
        Assert.Contains(" ± ", table);
        Assert.Contains("accuracy of the zero-shot labels", table);

        steps.Clear();
        var again = ExperimentRunner.Run(file, new() { Step = steps.Add });
        Assert.IsTrue(steps.All(s => s.Known));
        Assert.AreEqual(lines, File.ReadAllText(Path.Combine(file.Output, "runs.jsonl")));
        Assert.AreEqual(results.Sum(r => r.Scores.Accuracy), again.Sum(r => r.Scores.Accuracy));
    }

    [TestMethod]
    public void AnInterruptedExperiment_GoesOnWhereItWas_WithTheSameResults()
    {
        ExperimentFile file = Load("""["fpl", "grip"]""", """ "seeds": [1, 2] """),
            whole = Load("""["fpl", "grip"]""", """ "seeds": [1, 2] """, "whole");
        using var source = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            ExperimentRunner.Run(file, new() { Step = s => Stop(s.Result is not null && s.Number == 2), CancellationToken = source.Token })
        );
        Assert.HasCount(2, Directory.GetFiles(file.Cache!));
        var fresh = new List<string>();
        var resumed = ExperimentRunner.Run(file, new() { Step = s => Note(s) });
        Assert.HasCount(2, fresh);
        Assert.AreEqual(Scores(ExperimentRunner.Run(whole)), Scores(resumed));

        // A damaged result is run again.
        File.WriteAllText(Directory.GetFiles(file.Cache!).Order().First(), "{");
        fresh.Clear();
        Assert.AreEqual(Scores(resumed), Scores(ExperimentRunner.Run(file, new() { Step = s => Note(s) })));
        Assert.HasCount(1, fresh);

        void Stop(bool now)
        {
            if (now)
            {
                source.Cancel();
            }
        }

        void Note(ExperimentStep s)
        {
            if (s is { Known: false, Result: not null })
            {
                fresh.Add(s.Title);
            }
        }

        static string Scores(IEnumerable<RunResult> results) =>
            string.Join('\n', results.Select(r => $"{r.Method} {r.Seed} {r.Hash} {r.Scores.Accuracy:R}"));
    }

    [TestMethod]
    public void SettingsImagesAndNames_DecideWhatIsRunAgain()
    {
        string Hashes(string methods, string more = "\"seeds\": [1]")
        {
            var file = Load(methods, more);
            var titles = new List<string>();
            ExperimentRunner.Run(file, new() { Step = s => titles.AddRange(s.Result is { } r ? [r.Hash] : []) });
            return string.Join(' ', titles.Distinct());
        }

        var plain = Hashes("""["fpl"]""");
        Assert.AreEqual(plain, Hashes("""[{ "method": "fpl", "name": "another name" }]"""));
        Assert.AreNotEqual(plain, Hashes("""[{ "method": "fpl", "settings": { "learningRate": 0.2 } }]"""));
        Assert.AreNotEqual(plain, Hashes("""["fpl"]""", "\"seeds\": [2]"));
        var preprocessor = Path.Combine(_root, "clip", "preprocessor_config.json");
        var text = File.ReadAllText(preprocessor);
        File.WriteAllText(preprocessor, text.Replace("0.4", "0.3", StringComparison.Ordinal));
        Assert.AreNotEqual(plain, Hashes("""["fpl"]"""), "images are read otherwise");
        File.WriteAllText(preprocessor, text);
        Assert.AreEqual(plain, Hashes("""["fpl"]"""));
        File.AppendAllText(Path.Combine(_root, "set", "0.png"), "more");
        Assert.AreNotEqual(plain, Hashes("""["fpl"]"""));
    }

    [TestMethod]
    public void APlan_RunsNothing()
    {
        var file = Load(All, """ "seeds": [1] """);
        var steps = new List<ExperimentStep>();
        Assert.HasCount(0, ExperimentRunner.Run(file, new() { DryRun = true, Step = steps.Add }));
        Assert.HasCount(7, steps);
        Assert.IsTrue(steps.All(s => s.Plan!.Seconds > 0));
        Assert.Contains("36 images of the pool, 0 of them labelled, and 24 test images of colours", steps[1].Plan!.Reads);
        Assert.Contains("9 are given", steps[6].Plan!.Makes);
        Assert.Contains("a text prompt in 2 rounds of 2 epochs", steps[6].Plan!.Trains);
        Assert.IsFalse(Directory.Exists(file.Output));
    }

    [TestMethod]
    public void APlanWithoutRealImages_CountsTheStepsOfTheSyntheticOnes()
    {
        var file = Load(
            """[{ "name": "L_s only", "method": "air-grip", "settings": { "prototypes": false, "pseudoLabelWeight": 0, "syntheticWeight": 1 } }]""",
            """ "seeds": [1] """
        );
        var steps = new List<ExperimentStep>();
        ExperimentRunner.Run(file, new() { DryRun = true, Step = steps.Add });
        // Nine synthetic images in batches of 8: two steps an epoch, two epochs in each of two rounds.
        Assert.EndsWith("about 8 steps of 8 images", steps.Single().Plan!.Trains);
    }

    [TestMethod]
    public void Ablations_AreVariantsByName()
    {
        var file = Load(
            """
            [{ "name": "L_r only", "method": "air-grip", "settings": { "prototypes": false, "syntheticWeight": 0 } },
             { "name": "L_s only", "method": "air-grip", "settings": { "prototypes": false, "pseudoLabelWeight": 0, "rounds": 1 } },
             { "name": "all", "method": "air-grip" }, { "name": "others", "method": "air-grip", "synthetic": "{}-base" }]
            """,
            """ "seeds": [1] """
        );
        foreach (var name in StageFixture.Names)
        {
            ImageFile.SavePng(Path.Combine(_root, "colours-base", name, "0.png"), TinyClip.Picture(1, new Random(1)));
        }

        var results = ExperimentRunner.Run(file);
        CollectionAssert.AreEqual(new[] { "L_r only", "L_s only", "all", "others" }, results.Select(r => r.Method).ToArray());
        CollectionAssert.AreEqual(new[] { 0, 9, 9, 3 }, results.Select(r => r.Images[1]).ToArray());
    }

    [TestMethod]
    [DataRow("methods", """["grep"]""", "'grep'; expected one of zero-shot, coop")]
    [DataRow("settings", """{ "learningrate": 1 }""", "learningrate")]
    [DataRow("settings", """{ "learningRate": -1 }""", "LearningRate = -1; expected 0..1000")]
    [DataRow("synthesis", """{ "imagesPerClass": 0 }""", "ImagesPerClass = 0; expected 1..")]
    [DataRow("paradigms", """["tr"]""", "'tr'; expected ul, ssl or trzsl")]
    [DataRow("prompts", """["words"]""", "'words'; expected text, visual or visual-deep")]
    [DataRow("seeds", "[]", "need one or more entries")]
    [DataRow("dataSets", """[{ "name": "a", "folder": "." }, { "name": "a", "folder": "." }]""", "'a' is there twice")]
    [DataRow("prompts", """["text"], "prompts": ["visual"]""", "'prompts' is there twice")]
    [DataRow("seeds", "[1, 2, 1]", "Seeds: '1' is there twice")]
    [DataRow("dataSets", "[null]", "DataSets[0] is null")]
    [DataRow("name", "null", "name is null (line")]
    [DataRow("shots", "0", "Shots = 0; expected 1..1000")]
    [DataRow("colour", "1", "colour")]
    public void BadMembers_AreNamed_BeforeAnythingRuns(string member, string value, string expected)
    {
        var path = Write(All, $"\"{member}\": {value}", member);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => ExperimentRunner.Run(ExperimentFile.Load(path)));
        Assert.Contains(expected, e.Message);
        Assert.StartsWith(path + ": ", e.Message);
        Assert.IsFalse(Directory.Exists(Path.Combine(_root, "out")));
    }

    [TestMethod]
    public void SyntheticImages_AreAskedFor_AndTheirFoldersChecked()
    {
        Directory.Move(Path.Combine(_root, "synthetic", "red"), Path.Combine(_root, "synthetic", "pink"));
        var e = Assert.ThrowsExactly<InvalidDataException>(() => ExperimentRunner.Run(Load("""["air-grip"]""", "\"seeds\": [1]")));
        Assert.Contains("its folder 'pink' is none of the classes", e.Message);
        var text = File.ReadAllText(Write("""["air-grip"]""", "\"seeds\": [1]"))
            .Replace("\"synthetic\": \"synthetic\", ", "", StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_root, "bare.json"), text);
        e = Assert.ThrowsExactly<InvalidDataException>(() => ExperimentRunner.Run(ExperimentFile.Load(Path.Combine(_root, "bare.json"))));
        Assert.StartsWith($"{Path.Combine(_root, "bare.json")}: 'air-grip' needs synthetic images of 'colours'", e.Message);
    }

    [TestMethod]
    public void TheReadyMadeFiles_AreWellFormed()
    {
        var folder = Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(TestData.Root))!, "experiments");
        string[] files = [.. Directory.GetFiles(folder, "*.json").Where(f => !AirMLNet.Experiments.MultiLabelExperimentFile.Is(f))];
        Assert.IsGreaterThanOrEqualTo(3, files.Length);
        foreach (var file in files)
        {
            var experiment = ExperimentFile.Load(file);
            Assert.IsGreaterThan(0, experiment.Variants.Count, file);
        }
    }

    [TestMethod]
    [DataRow("air-cpl", "text", "EuroSAT", "trzsl", "93.9")]
    [DataRow("coop", "text", "Flowers102", "ssl", "76.8")]
    [DataRow("coop", "text", "Flowers102", "ul", null)]
    [DataRow("vpt", "visual", "DTD", "trzsl", "44.1")]
    [DataRow("grip", "visual", "DTD", "ssl", "54.5")]
    [DataRow("zero-shot", "visual", "RESISC45", "ul", "54.5")]
    [DataRow("p̂ + L_r", "text", "Flowers102", "ul", "71.6")]
    [DataRow("without LoRA", "text", "EuroSAT", "ul", "66.2")]
    [DataRow("air-grip", "text", "DTD", "ul", null)]
    [DataRow("grip", "text", "cifar10", "ul", null)]
    public void PaperFigures_AreFound(string method, string prompt, string dataSet, string paradigm, string? expected) =>
        Assert.AreEqual(expected, PaperFigures.Of(method, prompt, dataSet, paradigm));

    [TestMethod]
    public void EuroSatsFigures_StandBesideThePublishedPoolOnly()
    {
        Assert.AreEqual("71.4", PaperFigures.Of("air-cpl", "text", "EuroSAT", "ul", TrainingPool.Paper));
        Assert.IsNull(PaperFigures.Of("air-cpl", "text", "EuroSAT", "ul", TrainingPool.Strict));
        Assert.IsNull(PaperFigures.Of("without LoRA", "text", "EuroSAT", "ul", TrainingPool.Strict));
        Assert.AreEqual("55.7", PaperFigures.Of("air-cpl", "text", "DTD", "ul", TrainingPool.Strict));
        var folder = Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(TestData.Root))!, "experiments");
        foreach (var file in Directory.GetFiles(folder, "paper-*.json").Select(f => ExperimentFile.Load(f)))
        {
            Assert.IsTrue(file.DataSets.All(d => d.Name != "EuroSAT" || d.Pool == TrainingPool.Paper), file.Name);
        }
    }

    [TestMethod]
    [DataRow("mini-table2.json")]
    [DataRow("paper-table2.json")]
    public void RealImagesAlone_AreGripsOwnRecipe(string name)
    {
        var folder = Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(TestData.Root))!, "experiments");
        var variant = ExperimentFile.Load(Path.Combine(folder, name)).Variants.Single(v => v.Title == "L_r only");
        Assert.AreEqual("grip", variant.Method);
        Assert.IsNull(variant.Settings);
    }

    [TestMethod]
    public void Spread_IsTheSampleStandardDeviation()
    {
        Assert.AreEqual((2.0, 1.0), ExperimentTable.Of([1.0, 2.0, 3.0]));
        Assert.AreEqual((5.0, 0.0), ExperimentTable.Of([5.0]));
    }

    private ExperimentFile Load(string methods, string more, string output = "out") =>
        ExperimentFile.Load(Write(methods, more, output: output));

    private string Write(string methods, string more, string member = "", string output = "out")
    {
        var path = Path.Combine(_root, $"{output}.json");
        string Unless(string name, string text) => member == name ? "" : text;
        File.WriteAllText(
            path,
            $$"""
            { "name": "tiny", "clip": "clip", "output": "{{output}}",
              {{Unless(
                "dataSets",
                "\"dataSets\": [{ \"name\": \"colours\", \"csv\": \"set/set.csv\", \"synthetic\": \"synthetic\", \"splitSeed\": 0 }],"
            )}}
              {{Unless("methods", $"\"methods\": {methods},")}}
              {{Unless(
                "settings",
                "\"settings\": { \"rounds\": 2, \"epochs\": 2, \"batchSize\": 8, \"promptLength\": 3, \"perClass\": 3, \"warmUpEpochs\": 1 },"
            )}}
              {{more}} }
            """
        );
        return path;
    }
}
