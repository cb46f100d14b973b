using System.Text.Json;
using AirMLNet.Data;
using AirMLNet.Recipes;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tool.Tests;

/// <summary>The main job on a tiny model: adapt, then predict and evaluate in fresh processes.</summary>
[TestClass]
public sealed class AdaptTests
{
    private static readonly (string Option, string Value, string Member)[] Quick =
    [
        ("--epochs", "2", nameof(Recipe.Epochs)),
        ("--rounds", "2", nameof(Recipe.Rounds)),
        ("--per-class", "2", nameof(Recipe.PerClass)),
        ("--batch", "4", nameof(Recipe.BatchSize)),
        ("--seed", "3", ""),
    ];
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void CleanUp() => _folder.Dispose();

    [TestMethod]
    [DataRow("zero-shot")]
    [DataRow("fpl")]
    [DataRow("grip")]
    [DataRow("prototypes")]
    public void APredictionFromAFreshProcessEqualsTheOneInThisProcess(string method)
    {
        var images = TinyData.Images(_folder["photos"]);
        Adapt(images, "model.zip", "--method", method).Succeeded();

        var lines = ToolProcess
            .Run("predict", _folder["model.zip"], images, "--json", "--top", "3")
            .Succeeded()
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var here = Scores(_folder["model.zip"], images);
        Assert.HasCount(here.Count, lines);
        for (var i = 0; i < lines.Length; i++)
        {
            using var line = JsonDocument.Parse(lines[i]);
            var scores = line
                .RootElement.GetProperty("scores")
                .EnumerateArray()
                .ToDictionary(s => s.GetProperty("label").GetString()!, s => s.GetProperty("score").GetSingle());
            Assert.AreEqual(here[i].ImagePath, line.RootElement.GetProperty("image").GetString());
            for (var c = 0; c < TinyData.ClassNames.Length; c++)
            {
                Assert.AreEqual(here[i].Score[c], scores[TinyData.ClassNames[c]]);
            }

            var best = TinyData.ClassNames[Array.IndexOf(here[i].Score, here[i].Score.Max())];
            Assert.AreEqual(best, line.RootElement.GetProperty("label").GetString());
        }
    }

    [TestMethod]
    [DataRow("ifpl", "text")]
    [DataRow("cpl", "text")]
    [DataRow("air", "text")]
    [DataRow("air", "visual")]
    [DataRow("grip", "visual-deep")]
    public void WholeMethodsAdaptAndPredictInAFreshProcess(string method, string prompt)
    {
        var images = TinyData.Images(_folder["photos"]);
        string[] more =
            method == "air"
                ? ["--synthetic", TinyData.Images(_folder["synthetic"], 2, byClass: true), "--base", "cpl", "--beta", "0.3"]
                : [];
        Adapt(images, "model.zip", ["--method", method, "--prompt", prompt, .. more]).Succeeded();
        using var json = JsonDocument.Parse(
            ToolProcess.Run("evaluate", _folder["model.zip"], TinyData.Images(_folder["test"], byClass: true), "--json").Succeeded()
        );
        Assert.AreEqual(12, json.RootElement.GetProperty("images").GetInt32());
        Assert.IsTrue(double.IsFinite(json.RootElement.GetProperty("logLoss").GetDouble()));
    }

    [TestMethod]
    [DataRow("text")]
    [DataRow("visual")]
    public void AirMakesItsOwnSyntheticImages_AndGoesOnWhereItWas(string prompt)
    {
        var images = TinyData.Images(_folder["photos"]);
        var diffusion = TinyModels.Diffusion;
        string[] air =
        [
            "--diffusion",
            diffusion,
            "--images-per-class",
            "2",
            "--lora-steps",
            "3",
            "--lora-lr",
            "0.01",
            "--sampling-steps",
            "2",
            "--sampling-batch",
            "4",
            "--prompt",
            prompt,
        ];
        Adapt(images, "model.zip", air).Succeeded(); // --method air is what these options are for
        var work = _folder["model-synthetic"];
        Assert.IsTrue(File.Exists(Path.Combine(work, "lora", "pytorch_lora_weights.safetensors")));
        Assert.AreEqual(
            2 * TinyData.ClassNames.Length,
            Directory.GetFiles(Path.Combine(work, "images"), "*.png", SearchOption.AllDirectories).Length
        );
        var first = Airml.Run("predict", _folder["model.zip"], images, "--json", "--top", "3").Succeeded();
        // The images of a run before are taken; given as a folder they make the same model, seeds apart.
        var stamp = File.GetLastWriteTimeUtc(Directory.GetFiles(Path.Combine(work, "images"), "*.png", SearchOption.AllDirectories)[0]);
        Adapt(images, "again.zip", [.. air, "--work", work]).Succeeded();
        Assert.AreEqual(
            stamp,
            File.GetLastWriteTimeUtc(Directory.GetFiles(Path.Combine(work, "images"), "*.png", SearchOption.AllDirectories)[0])
        );
        Assert.AreEqual(first, Airml.Run("predict", _folder["again.zip"], images, "--json", "--top", "3").Succeeded());
        Adapt(images, "folder.zip", "--synthetic", work, "--prompt", prompt).Succeeded();
        Assert.AreNotEqual("", Airml.Run("predict", _folder["folder.zip"], images, "--json").Succeeded());
    }

    [TestMethod]
    public void LabelledImagesOfSomeClassesLeavePseudoLabelsToTheOthers()
    {
        var images = TinyData.Images(_folder["photos"]);
        var labelled = TinyData.Images(_folder["labelled"], 2, byClass: true);
        Adapt(images, "all.zip", "--method", "cpl", "--labelled", labelled).Succeeded();
        Directory.Delete(Path.Combine(labelled, "blue"), recursive: true);
        Adapt(images, "some.zip", "--method", "cpl", "--labelled", labelled).Succeeded();
        Assert.AreNotEqual(
            Airml.Run("predict", _folder["all.zip"], images, "--json").Succeeded(),
            Airml.Run("predict", _folder["some.zip"], images, "--json").Succeeded()
        );
    }

    [TestMethod]
    public void WarningsOfTheStagesAreShown_AndWithVerboseWhatTheySay()
    {
        var images = TinyData.Images(_folder["photos"]);
        var diffusion = TinyModels.Diffusion;
        string[] air = ["--diffusion", diffusion, "--images-per-class", "1", "--lora-steps", "0", "--sampling-steps", "1"];
        var quiet = Adapt(images, "quiet.zip", air);
        quiet.Succeeded();
        Assert.DoesNotContain("DiffusionSynthesis:", quiet.Error);
        var verbose = Adapt(images, "verbose.zip", [.. air, "--verbose"]);
        verbose.Succeeded();
        Assert.Contains("DiffusionSynthesis: 1 images of each of 3 prompts", verbose.Error);
        var few = TinyData.Images(_folder["few"], 1);
        File.Delete(Directory.GetFiles(few)[0]); // two photos are not of three classes
        var warned = Adapt(
            few,
            "few.zip",
            ["--diffusion", diffusion, "--images-per-class", "1", "--lora-steps", "1", "--sampling-steps", "1"]
        );
        warned.Succeeded();
        Assert.Contains("airml: warning: DiffusionSynthesis: no pseudo-labelled or labelled image of", warned.Error);
    }

    [TestMethod]
    public void WhatAirNeedsIsSaidBeforeAnythingRuns()
    {
        var images = TinyData.Images(_folder["photos"]);
        Adapt(images, "model.zip", "--method", "air").Failed(2, "--method air needs --diffusion FOLDER");
        Adapt(images, "model.zip", "--method", "cpl", "--synthetic", images).Failed(2, "--synthetic is for --method air only");
        Adapt(images, "model.zip", "--method", "cpl", "--diffusion", images).Failed(2, "--diffusion is for --method air only");
        Adapt(images, "model.zip", "--synthetic", images, "--diffusion", images).Failed(2, "give either --diffusion");
        Adapt(images, "model.zip", "--method", "air", "--synthetic", images, "--domain", "Flowers:")
            .Failed(2, "--domain says how images are generated; it needs --diffusion");
        Adapt(images, "model.zip", "--method", "coop").Failed(2, "--method coop learns from labels");
        Adapt(images, "model.zip", "--labels", "--method", "grip").Failed(2, "--labels learns from labels by coop");
        Adapt(images, "model.zip", "--labels", "--method", "coop", "--prompt", "visual").Failed(2, "vpt learns visual prompts");
        Adapt(images, "model.zip", "--labels", "--labelled", images).Failed(2, "--labels learns from the folders of the images alone");
        Directory.CreateDirectory(_folder["odd"]);
        File.Copy(
            Directory.GetFiles(images)[0],
            Path.Combine(Directory.CreateDirectory(Path.Combine(_folder["odd"], "pink")).FullName, "1.png")
        );
        Adapt(images, "model.zip", "--method", "air", "--synthetic", _folder["odd"]).Failed(1, "'pink'", "none of the classes");
        Assert.IsFalse(File.Exists(_folder["model.zip"]));
    }

    [TestMethod]
    public void TheSameSeedGivesTheSamePredictionsAndAnotherSeedOthers()
    {
        var images = TinyData.Images(_folder["photos"]);
        string Predictions(string name, string seed, params string[] more)
        {
            Adapt(images, name, ["--method", "fpl", "--seed", seed, .. more]).Succeeded();
            return Airml.Run("predict", _folder[name], images, "--json", "--top", "3").Succeeded();
        }

        var first = Predictions("a.zip", "3");
        Assert.AreEqual(first, Predictions("b.zip", "3"));
        Assert.AreNotEqual(first, Predictions("c.zip", "4"));
        Assert.AreNotEqual(first, Predictions("d.zip", "3", "--lr", "0.01"));
        Assert.AreNotEqual(first, Predictions("e.zip", "3", "--gradient-clip", "0.001"));
    }

    [TestMethod]
    public void EvaluateCountsWhatPredictSays()
    {
        var images = TinyData.Images(_folder["photos"], byClass: true);
        Adapt(images, "model.zip", "--method", "fpl").Succeeded();
        var right = Airml
            .Run("predict", _folder["model.zip"], images)
            .Succeeded()
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split('\t'))
            .Count(cells => Path.GetFileName(Path.GetDirectoryName(cells[0])) == cells[1]);

        using var json = JsonDocument.Parse(Airml.Run("evaluate", _folder["model.zip"], images, "--json").Succeeded());
        var root = json.RootElement;
        Assert.AreEqual(12, root.GetProperty("images").GetInt32());
        Assert.AreEqual(right / 12.0, root.GetProperty("accuracy").GetDouble(), 1e-9);
        Assert.AreEqual(
            12,
            root.GetProperty("confusion").EnumerateArray().SelectMany(row => row.EnumerateArray()).Sum(cell => cell.GetDouble())
        );
        Assert.IsGreaterThan(0, root.GetProperty("logLoss").GetDouble());

        var text = Airml.Run("evaluate", _folder["model.zip"], images).Succeeded();
        Assert.Contains("12 images: accuracy", text);
        Assert.Contains("green", text);
    }

    [TestMethod]
    public void LabelsAreLearnedWhereTheyAreGiven()
    {
        var images = TinyData.Images(_folder["photos"], byClass: true);
        Adapt(images, "model.zip", "--labels", "--epochs", "30").Succeeded();
        using var json = JsonDocument.Parse(Airml.Run("evaluate", _folder["model.zip"], images, "--json").Succeeded());
        Assert.IsGreaterThan(0.5, json.RootElement.GetProperty("accuracy").GetDouble());
    }

    [TestMethod]
    public void CompareGivesEveryMethodAnAccuracyPerSeed()
    {
        var pool = TinyData.Images(_folder["photos"]);
        var test = TinyData.Images(_folder["test"], byClass: true);
        var result = Airml
            .Run([
                "compare",
                pool,
                "--test",
                test,
                "--classes",
                TinyData.Classes(_folder["classes.txt"]),
                "--clip",
                TinyModels.Clip,
                "--epochs",
                "2",
                "--rounds",
                "2",
                "--per-class",
                "2",
                "--batch",
                "4",
                "--seeds",
                "1,2",
                "--json",
            ])
            .Succeeded();
        using var json = JsonDocument.Parse(result);
        var methods = json.RootElement.GetProperty("methods").EnumerateArray().ToList();
        CollectionAssert.AreEqual(
            new[] { "zero-shot", "fpl", "grip", "prototypes" },
            methods.Select(m => m.GetProperty("method").GetString()).ToArray()
        );
        foreach (var method in methods)
        {
            Assert.AreEqual(2, method.GetProperty("accuracies").GetArrayLength());
            Assert.IsInRange(0, 1, method.GetProperty("mean").GetDouble());
        }

        Assert.AreEqual(0, methods[0].GetProperty("spread").GetDouble());
    }

    private ToolProcess Adapt(string images, string output, params string[] more)
    {
        // An option of `more` replaces the quick one of the same name, and what a method does not read it is not given.
        var method =
            Array.IndexOf(more, "--method") is >= 0 and var i ? more[i + 1]
            : more.Contains("--labels") ? "coop"
            : more.Contains("--synthetic") || more.Contains("--diffusion") ? "air"
            : "grip";
        var recipe = Recipe.All.FirstOrDefault(r => r.Name == method, Recipe.AirOnGrip);
        var quick = Quick.Where(q => !more.Contains(q.Option) && recipe.Uses(q.Member)).SelectMany(q => new[] { q.Option, q.Value });
        return Airml.Run([
            "adapt",
            images,
            "--classes",
            TinyData.Classes(_folder["classes.txt"]),
            "--clip",
            TinyModels.Clip,
            "-o",
            _folder[output],
            .. quick,
            .. more,
        ]);
    }

    private static List<Scored> Scores(string model, string images)
    {
        var ml = new MLContext(seed: 9);
        var rows = ImageFolder.Open(images, labelsFromSubfolders: false).Entries.Select(e => new ImageRow { ImagePath = e.Path });
        var view = ml.Model.Load(model, out _).Transform(ml.Data.LoadFromEnumerable(rows));
        return [.. ml.Data.CreateEnumerable<Scored>(view, reuseRowObject: false)];
    }

    private sealed class Scored
    {
        public string ImagePath { get; set; } = "";

        public float[] Score { get; set; } = [];
    }
}
