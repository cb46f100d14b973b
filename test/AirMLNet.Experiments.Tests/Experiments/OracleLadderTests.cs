using System.Globalization;
using AirMLNet.Experiments;
using AirMLNet.Images;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Experiments;

/// <summary>
/// Photos in the place of synthetic images, and the oracle ladder (experiments/mini-ladder.json) at a tiny scale: what AiR does with images
/// of a known quality, so that a change that makes good images useless is seen in seconds.
/// </summary>
[TestClass]
public sealed class OracleLadderTests
{
    private const int Classes = 3;
    private static readonly string[] Names = ["red", "green", "blue"];
    private readonly TemporaryFolder _root = new();

    [TestCleanup]
    public void CleanUp() => _root.Dispose();

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(0.2)]
    [DataRow(0.4)]
    [DataRow(1.0)]
    public void TheDraw_HasTheAskedNumberOfWrongLabels_AndNoPhotoTwice(double share)
    {
        int[] truth = [.. Enumerable.Range(0, 120).Select(i => i % Classes)];
        var photos = new SyntheticStandIn { PerClass = 20, Mislabelled = share };
        var drawn = photos.Draw(truth, Names, 3, Bad);
        Assert.HasCount(60, drawn);
        Assert.HasCount(60, drawn.Select(d => d.Photo).Distinct().ToArray());
        for (var c = 0; c < Classes; c++)
        {
            (int Photo, int Class)[] own = [.. drawn.Where(d => d.Class == c)];
            Assert.HasCount(20, own);
            Assert.AreEqual((int)Math.Round(20 * share), own.Count(d => truth[d.Photo] != c), $"class {c}");
        }

        CollectionAssert.AreEqual(drawn.ToArray(), photos.Draw(truth, Names, 3, Bad).ToArray());
        CollectionAssert.AreNotEqual(drawn.ToArray(), photos.Draw(truth, Names, 4, Bad).ToArray());
        CollectionAssert.AreEqual(drawn.ToArray(), (photos with { Seed = 3 }).Draw(truth, Names, 4, Bad).ToArray());
        // A rung's right photos are among those of the rung before it.
        HashSet<(int, int)> all = [.. (photos with { Mislabelled = 0 }).Draw(truth, Names, 3, Bad)];
        Assert.IsTrue(drawn.Where(d => truth[d.Photo] == d.Class).All(all.Contains));
    }

    [TestMethod]
    public void TooFewPhotos_AreAnError()
    {
        var photos = new SyntheticStandIn { PerClass = 3 };
        var e = Assert.ThrowsExactly<InvalidDataException>(() => photos.Draw([0, 0, 0, 1, 1], ["a", "b"], 1, Bad));
        Assert.Contains("2 photos of 'b'", e.Message);
    }

    [TestMethod]
    public void ThePoolAndTheStandIns_HaveNoPhotoInCommon()
    {
        Photos("set", train: 60, test: 6);
        var set = new ExperimentDataSet
        {
            Name = "colours",
            Csv = _root["set/set.csv"],
            MostTrain = 30,
            SyntheticFrom = new() { PerClass = 5 },
        };
        var data = Open(set);
        var standIn = data.StandIn(set.SyntheticFrom, seed: 1);
        Assert.HasCount(15, standIn.Images);
        Assert.IsEmpty(standIn.Images.Select(i => i.Path).Intersect(data.Train.Images.Select(i => i.Path)));
        Assert.HasCount(15, standIn.Features);

        var e = Assert.ThrowsExactly<InvalidDataException>(() => Open(set with { MostTrain = null }).StandIn(set.SyntheticFrom, 1));
        Assert.Contains("data set 'colours': syntheticFrom: 0 photos of 'blue' are left", e.Message);
    }

    [TestMethod]
    public void OtherPhotos_TakeTheirClassesByName()
    {
        Photos("set", train: 12, test: 6);
        Photos("spare", train: 30, test: 3, names: ["green", "red", "blue"]);
        var set = new ExperimentDataSet
        {
            Name = "colours",
            Csv = _root["set/set.csv"],
            SyntheticFrom = new() { Csv = _root["spare/set.csv"], PerClass = 5 },
        };
        var standIn = Open(set).StandIn(set.SyntheticFrom, seed: 1);
        var data = Open(set);
        var lines = File.ReadAllLines(_root["spare/set.csv"]).ToDictionary(l => l.Split(',')[0], l => l.Split(',')[1]);
        Assert.IsTrue(standIn.Images.All(i => lines[Path.GetFileName(i.Path)] == data.ClassNames[i.Class]));

        Photos("other", train: 30, test: 3, names: ["green", "red", "pink"]);
        var wrong = set with { SyntheticFrom = set.SyntheticFrom with { Csv = _root["other/set.csv"] } };
        var e = Assert.ThrowsExactly<InvalidDataException>(() => Open(wrong).StandIn(wrong.SyntheticFrom, 1));
        Assert.Contains("'pink' is none of the classes", e.Message);
    }

    [TestMethod]
    public void GoodImagesHelp_ManyEndureWrongOnes_AndOneDoesNot()
    {
        TinyClip.Create(_root["clip"]);
        Photos("set", train: 90, test: 60);
        Photos("spare", train: 120, test: 3);
        string Set(double share) =>
            $$"""
                { "name": "{{Percent(share)}}", "csv": "set/set.csv",
                  "syntheticFrom": { "csv": "spare/set.csv", "perClass": 20, "mislabelled": {{share.ToString(
                    CultureInfo.InvariantCulture
                )}} } }
                """;
        const string alone = "\"rounds\": 0, \"prototypeAtTest\": true, \"fusion\": \"Convex\", \"prototypeWeight\": 1";
        File.WriteAllText(
            _root["ladder.json"],
            $$"""
            { "name": "tiny ladder", "clip": "clip", "output": "out", "seeds": [1, 2],
              "dataSets": [{{Set(0)}}, {{Set(0.4)}}],
              "methods": ["zero-shot", { "name": "L_r only", "method": "grip" },
                { "name": "one", "method": "air-grip", "settings": { {{alone}} } },
                { "name": "mean", "method": "air-mean", "settings": { {{alone}} } },
                { "name": "all", "method": "air-grip" }, "air-mean"],
              "settings": { "rounds": 2, "epochs": 12, "warmUpEpochs": 1, "batchSize": 32, "learningRate": 0.1, "gradientClip": 0.8 } }
            """
        );
        var results = ExperimentRunner.Run(ExperimentFile.Load(_root["ladder.json"]));
        Assert.HasCount(2 * 6 * 2, results);
        // What does not look at the images is run once for all rungs.
        Assert.HasCount(2 * 2 + (2 * 4 * 2), results.Select(r => r.Hash).Distinct().ToArray());
        double Accuracy(string method, double share) =>
            results.Where(r => r.Method == method && r.DataSet == Percent(share)).Average(r => r.Scores.Accuracy);
        double Pool(string method, double share) =>
            results.Where(r => r.Method == method && r.DataSet == Percent(share)).Average(r => r.FusedLabels!.Pool);
        var table = string.Join(
            '\n',
            results.Select(r => $"{r.DataSet} {r.Method} {r.Seed}: {r.Scores.Accuracy:0.000} {r.FusedLabels?.Pool:0.000}")
        );

        // The text of this untrained model knows little of colours; its image features tell them apart.
        Assert.IsLessThan(0.7, Accuracy("zero-shot", 0), table);
        Assert.IsGreaterThan(0.9, Accuracy("mean", 0), table);
        Assert.IsGreaterThan(0.9, Accuracy("mean", 0.4), table);
        Assert.IsGreaterThan(Accuracy("one", 0.4), Accuracy("mean", 0.4), table);
        // What it knows reaches the labels and the trained prompt.
        Assert.IsGreaterThan(0.9, Pool("air-mean", 0.4), table);
        Assert.IsGreaterThan(Accuracy("L_r only", 0) + 0.1, Accuracy("air-mean", 0), table);
        Assert.IsGreaterThan(Accuracy("all", 0.4), Accuracy("air-mean", 0.4), table);
    }

    private static ExperimentData Open(ExperimentDataSet set)
    {
        var file = new ExperimentFile
        {
            Name = "colours",
            Clip = TinyModels.Clip,
            Output = "-",
            DataSets = [set],
            Methods = [],
        };
        return new(set, new ExperimentContext(file, new()) { Sets = [set] });
    }

    private static string Percent(double share) => $"{(int)Math.Round(100 * share)} % wrong";

    /// <summary>
    /// A CSV file and its pictures, the class of picture i being i mod 3; a class is called by its colour's name or another.
    /// </summary>
    private void Photos(string folder, int train, int test, string[]? names = null)
    {
        var random = new Random(folder.Length);
        var lines = new List<string> { "path,label,split" };
        for (var i = 0; i < train + test; i++)
        {
            var name = (names ?? StageFixture.Names)[i % Classes];
            var colour = Math.Max(0, Array.IndexOf(StageFixture.Names, name));
            ImageFile.SavePng(_root[$"{folder}/{i}.png"], TinyClip.Picture(colour, random));
            lines.Add($"{i}.png,{name},{(i < train ? "train" : "test")}");
        }
        File.WriteAllLines(_root[$"{folder}/set.csv"], lines);
    }

    private static InvalidDataException Bad(string message) => new(message);
}
