using AirMLNet.Captions;
using AirMLNet.Experiments;
using AirMLNet.Images;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Experiments;

/// <summary>LatteCLIP's tables: the published files are walked, a small one is run.</summary>
[TestClass]
public sealed class LatteExperimentTests
{
    private const string Oracle =
        """ "captions": { "oracle": { "red": ["crimson"], "green": ["emerald"], "blue": ["navy", "azure"] }, "errors": 0.25 } """;

    private static readonly (string Name, string Folder, string Images, string Split)[] Sets =
    [
        ("EuroSAT", "eurosat", "2750", "split_zhou_EuroSAT.json"),
        ("SUN397", "sun397", "SUN397", "split_zhou_SUN397.json"),
        ("Food101", "food-101", "images", "split_zhou_Food101.json"),
        ("Flowers102", "oxford_flowers", "jpg", "split_zhou_OxfordFlowers.json"),
        ("DTD", "dtd", "images", "split_zhou_DescribableTextures.json"),
        ("OxfordPets", "oxford_pets", "images", "split_zhou_OxfordPets.json"),
        ("StanfordCars", "stanford_cars", "", "split_zhou_StanfordCars.json"),
        ("UCF101", "ucf101", "UCF-101-midframes", "split_zhou_UCF101.json"),
        ("Caltech101", "caltech-101", "101_ObjectCategories", "split_zhou_Caltech101.json"),
    ];

    private readonly TemporaryFolder _root = new();
    private string? _home;

    [TestInitialize]
    public void KeepTextsHere()
    {
        _home = Environment.GetEnvironmentVariable("AIRMLNET_HOME");
        Environment.SetEnvironmentVariable("AIRMLNET_HOME", _root["home"]);
    }

    [TestCleanup]
    public void CleanUp()
    {
        Environment.SetEnvironmentVariable("AIRMLNET_HOME", _home);
        _root.Dispose();
    }

    public static IEnumerable<object[]> Published =>
        Directory
            .GetFiles(Path.GetDirectoryName(TestData.Experiment("latteclip-table1.json"))!, "latteclip-*.json")
            .Order(StringComparer.Ordinal)
            .Select(f => new object[] { Path.GetFileName(f) });

    [TestMethod]
    [DynamicData(nameof(Published))]
    public void APublishedFile_IsWalkedOverAllTenSets(string name)
    {
        WriteTen();
        var plans = new List<ExperimentStep>();
        var notes = new List<string>();
        var file = ExperimentFile.Load(TestData.Experiment(name), new() { Data = _root["data"], Models = _root["models"] });
        ExperimentRunner.Run(
            file,
            new()
            {
                DryRun = true,
                Step = plans.Add,
                Note = notes.Add,
            }
        );
        Assert.HasCount(10 * file.Variants.Count * 3, plans);
        Assert.IsTrue(plans.All(p => p.Plan!.Seconds > 0));
        Assert.IsTrue(
            plans
                .Where(p => p.Title.Contains("latteclip", StringComparison.Ordinal))
                .All(p => p.Plan!.Makes.Contains("texts", StringComparison.Ordinal))
        );
        Assert.HasCount(1, notes); // the model is not there, all sets are
        // Learning rates are the data sets' own.
        var sun = plans.First(p => p.Title.StartsWith("SUN397, latteclip", StringComparison.Ordinal));
        var pets = plans.First(p => p.Title.StartsWith("OxfordPets, latteclip", StringComparison.Ordinal));
        Assert.Contains("CLIP itself in 15 epochs", sun.Plan!.Trains);
        Assert.Contains("CLIP itself in 100 epochs", pets.Plan!.Trains);
    }

    [TestMethod]
    public void ASmallTable_IsRun_WithOracleTexts_AndTakenFromTheCacheAfterwards()
    {
        ColourExperiment.LayOut(_root);
        var file = ColourExperiment.Load(
            _root,
            """
            ["zero-shot", "flyp-pl", "flyp-oracle", "reclip", "latteclip",
             { "name": "shuffled", "method": "latteclip", "settings": { "fineTune": { "shuffledTexts": true } } },
             { "name": "attributes", "method": "latteclip", "captions": { "captioner": { "attributes": true } } },
             { "name": "3 right", "method": "latteclip", "settings": { "fineTune": { "correctInGroup": 3 } } },
             { "name": "half", "method": "latteclip", "share": 0.5 },
             { "name": "oracle's half", "method": "flyp-oracle", "share": 0.5 }]
            """,
            $$""" {{Oracle}}, "seeds": [1, 2], "overrides": { "learningRate": 1e-3, "fineTune": { "warmUpSteps": 1, "epochsByImages": false } }, "paradigms": ["ul", "ssl"], "paper": "LatteClip" """
        );
        var results = ExperimentRunner.Run(file);
        // Under ssl there is zero-shot alone: the others know no label, or all.
        Assert.HasCount(2 * 11, results);
        Assert.AreEqual(results.Count, results.Select(r => r.Hash).Distinct().Count());
        Assert.IsTrue(results.Where(r => r.Method.Contains("half", StringComparison.Ordinal)).All(r => r.Images[0] == 18));
        Assert.IsFalse(
            Directory.Exists(Path.Combine(file.Cache!, "tuned")) && Directory.GetDirectories(Path.Combine(file.Cache!, "tuned")).Length > 0
        );
        var known = new List<ExperimentStep>();
        ExperimentRunner.Run(file, new() { Step = known.Add });
        Assert.IsTrue(known.All(s => s.Known));
        // Twice the same.
        Directory.Delete(file.Cache!, recursive: true);
        var again = ExperimentRunner.Run(file);
        CollectionAssert.AreEqual(results.Select(r => r.Scores.Accuracy).ToArray(), again.Select(r => r.Scores.Accuracy).ToArray());
    }

    [TestMethod]
    public void TheModelsAnswers_AreScored_AndTheUnmatchedShareIsInTheTable()
    {
        ColourExperiment.LayOut(_root);
        File.WriteAllLines(
            _root["set", "answers.jsonl"],
            Enumerable
                .Range(0, 60)
                .Select(i => $$"""{"image":"{{i}}.png","text":"{{(i % 6 == 5 ? "a picture" : StageFixture.Names[i % 3] + ".")}}"}""")
        );
        var file = ColourExperiment.Load(
            _root,
            """["lmm-zero-shot"]""",
            """ "captions": { "captioner": { "texts": "set/answers.jsonl" } }, "seeds": [1] """
        );
        var result = ExperimentRunner.Run(file).Single();
        Assert.AreEqual(20 / 24.0, result.Scores.Accuracy, 1e-6);
        Assert.AreEqual(4 / 24.0, result.Unmatched!.Value, 1e-6);
        Assert.Contains("16.7 % of the language model's answers name no class", File.ReadAllText(Path.Combine(file.Output, "results.md")));
    }

    [TestMethod]
    public async Task TheOracle_NamesTheTrueClass_ButForItsErrors()
    {
        var images = Enumerable.Range(0, 400).Select(i => new AirMLNet.Data.LabelledImage($"{i}.png", i % 3)).ToArray();
        string[][] words =
        [
            ["crimson"],
            ["emerald"],
            ["navy", "azure"],
        ];
        var right = 0;
        for (var i = 0; i < images.Length; i++)
        {
            var text = await Text(0.25, i);
            right += words[i % 3].Any(w => text == $"a photo of a {w}.") ? 1 : 0;
            Assert.AreEqual(text, await Text(0.25, i));
        }
        Assert.IsTrue(right is > 270 and < 330, $"{right}");
        var group = new CaptionRequest("0.png", CaptionKind.Group, "", Unread) { Members = ["1.png", "4.png", "0.png", "7.png"] };
        Assert.AreEqual("photos of a emerald.", await new OracleCaptioner(words, images, 0, 1).DescribeAsync(group));

        Task<string> Text(double errors, int i) =>
            new OracleCaptioner(words, images, errors, 1).DescribeAsync(new CaptionRequest($"{i}.png", CaptionKind.Image, "", Unread));

        static RgbImage Unread() => throw new InvalidOperationException("an oracle does not look");
    }

    [TestMethod]
    [DataRow("""["latteclip"]""", "\"seeds\": [1]", "it needs texts, and neither the method nor the file has captions")]
    [DataRow("""["latteclip"]""", "\"captions\": {}", "expected either a captioner or an oracle")]
    [DataRow("""["latteclip"]""", "\"captions\": { \"captioner\": { \"server\": \"x\" } }", "a server's address")]
    [DataRow("""["latteclip"]""", "\"captions\": { \"oracle\": { \"red\": [\"crimson\"] } }", "no words for class 'blue'")]
    [DataRow("""[{ "method": "flyp-pl", "settings": { "fineTune": { "alpha": 2 } } }]""", "\"seeds\": [1]", "Alpha = 2; expected 0..1")]
    public void BadMembersAreNamed(string methods, string more, string expected)
    {
        ColourExperiment.LayOut(_root);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => ExperimentRunner.Run(ColourExperiment.Load(_root, methods, more)));
        Assert.Contains(expected, e.Message);
    }

    private void WriteTen()
    {
        var home = _root["data"];
        foreach (var (_, folder, images, split) in Sets)
        {
            string Entry(int i, int c)
            {
                ImageFile.SavePng(Path.Combine(home, folder, images, $"c{c}", $"{i}.jpg"), TinyClip.Picture(c, new Random(i)));
                return $"[\"c{c}/{i}.jpg\",{c},\"class {c}\"]";
            }

            string List(int from) => string.Join(',', Enumerable.Range(0, 3).Select(c => Entry(from + c, c)));
            File.WriteAllText(
                Path.Combine(home, folder, split),
                $"{{\"train\":[{List(0)},{List(3)}],\"val\":[{List(6)}],\"test\":[{List(9)}]}}"
            );
        }

        File.WriteAllText(Write("variants.txt"), "707-320\nDC-10\n");
        foreach (var (part, i) in new[] { ("train", 0), ("val", 2), ("test", 4) })
        {
            File.WriteAllText(Write($"images_variant_{part}.txt"), $"{i} 707-320\n{i + 1} DC-10\n");
            ImageFile.SavePng(Write("images", $"{i}.jpg"), TinyClip.Picture(0, new Random(i)));
            ImageFile.SavePng(Write("images", $"{i + 1}.jpg"), TinyClip.Picture(1, new Random(i)));
        }

        string Write(params string[] names)
        {
            Directory.CreateDirectory(Path.Combine(home, "fgvc_aircraft"));
            return Path.Combine([home, "fgvc_aircraft", .. names]);
        }
    }
}
