using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary><c>--shard</c> of the heavy commands, and <c>airml merge</c>.</summary>
[TestClass]
public sealed class MergeTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void CleanUp() => _folder.Dispose();

    [TestMethod]
    public void Features_OfAnArrayOfJobs_AreJoined()
    {
        var images = TinyData.Images(_folder["images"], 3);
        string[] embed = ["embed", images, "--clip", TinyData.MiniClip(), "--chunk", "2", "--threads", "1"];
        Airml.Run([.. embed, "-o", _folder["one.npy"]]).Succeeded();
        for (var index = 0; index < 2; index++)
        {
            Run([("JOB_COMPLETION_INDEX", $"{index}")], [.. embed, "-o", _folder["features.npy"], "--shard", "auto/2"]).Succeeded();
        }

        string[] files = [.. Directory.GetFiles(_folder.Path, "features.shard-*").Order(StringComparer.Ordinal)];
        Assert.HasCount(2, files);
        Airml.Run("merge", files[1], "-o", _folder["part.npy"]).Failed(1, "1 of 2 shards are missing: 1");
        Airml.Run("merge", files[1], files[1], "-o", _folder["part.npy"]).Failed(1, "are the same shard");
        Airml.Run("merge", files[0], images, "-o", _folder["part.npy"]).Failed(2, "is a folder");
        Airml.Run("merge", files[0], _folder["none"], "-o", _folder["part.npy"]).Failed(1, "none is not there");
        Assert.IsFalse(File.Exists(_folder["part.npy"]));

        Assert.Contains("9 features of 2 shards", Airml.Run("merge", files[1], files[0], "-o", _folder["all.npy"]).Succeeded());
        CollectionAssert.AreEqual(File.ReadAllBytes(_folder["one.npy"]), File.ReadAllBytes(_folder["all.npy"]));
        Airml.Run([.. embed, "-o", _folder["x.npy"], "--shard", "auto/2"]).Failed(2, "--shard: neither JOB_COMPLETION_INDEX");
    }

    [TestMethod]
    public void FeaturesOfOtherOptions_AreNamedBothOfThem()
    {
        var images = TinyData.Images(_folder["images"], 2);
        string[] embed = ["embed", images, "--clip", TinyData.MiniClip(), "-o", _folder["f.npy"]];
        Airml.Run([.. embed, "--shard", "1/2", "--chunk", "2"]).Succeeded();
        Airml.Run([.. embed, "--shard", "2/2", "--chunk", "3"]).Succeeded();
        string[] files = [.. Directory.GetFiles(_folder.Path, "f.shard-*").Order(StringComparer.Ordinal)];
        Airml
            .Run("merge", files[0], files[1], "-o", _folder["all.npy"])
            .Failed(1, $"{files[1]} was made with another chunk than {files[0]}; delete the one that is wrong");

        // The folder would have been copied, which joins nothing.
        Directory.CreateDirectory(_folder["parts"]);
        File.Move(files[0], _folder[$"parts/{Path.GetFileName(files[0])}"]);
        Airml.Run("merge", _folder["parts"], "-o", _folder["all"]).Failed(1, "holds files of 'airml embed --shard'; name the files");
        Assert.IsFalse(Directory.Exists(_folder["all"]));
    }

    [TestMethod]
    public void FoldersOfTwoKinds_AndOfNone_AreRefused()
    {
        string hash = new('a', 64),
            other = new('b', 64);
        File.WriteAllText(Directory.CreateDirectory(_folder["runs"]).FullName + $"/{hash}.json", "{}");
        File.WriteAllText(Directory.CreateDirectory(_folder["texts/bb"]).FullName + $"/{other}.txt", "a cat");
        File.WriteAllText(Directory.CreateDirectory(_folder["photos"]).FullName + "/cat.txt", "a cat");
        Airml.Run("merge", _folder["runs"], _folder["texts"], "-o", _folder["all"]).Failed(1, "texts holds texts, but", "runs runs");
        Airml.Run("merge", _folder["photos"], "-o", _folder["all"]).Failed(1, "photos holds nothing that parts of work write");
        Assert.IsFalse(Directory.Exists(_folder["all"]));
        Assert.Contains("1 texts, 1 of them copied", Airml.Run("merge", _folder["texts"], "-o", _folder["all"]).Succeeded());
    }

    [TestMethod]
    public void ARunThatTwoMachinesMade_IsOne()
    {
        var name = new string('a', 64) + ".json";
        void Write(string folder, string accuracy, string seconds) =>
            File.WriteAllText(
                Path.Combine(Directory.CreateDirectory(_folder[folder]).FullName, name),
                $$"""{"hash":"{{name[..64]}}","scores":{"accuracy":{{accuracy}}},"seconds":[{{seconds}},0.1],"processorSeconds":{{seconds}}}"""
            );
        Write("a", "0.5", "1.25");
        Write("b", "0.5", "7.5");
        Write("c", "0.75", "1.25");
        Assert.Contains("1 runs, 1 of them copied", Airml.Run("merge", _folder["a"], _folder["b"], "-o", _folder["all"]).Succeeded());
        Assert.AreEqual(File.ReadAllText(_folder["a/" + name]), File.ReadAllText(_folder["all/" + name]));
        Airml.Run("merge", _folder["a"], _folder["c"], "-o", _folder["none"]).Failed(1, "differ");
    }

    [TestMethod]
    public void SyntheticImages_OfTwoMachines_AreThoseOfOne()
    {
        string[] make =
        [
            "synthesize",
            "--diffusion",
            TinyModels.Diffusion,
            "--classes",
            TinyData.Classes(_folder["classes.txt"], "cat", "dog"),
            "-n",
            "3",
            "--batch",
            "2",
            "--steps",
            "2",
            "--threads",
            "1",
        ];
        Airml.Run([.. make, "-o", _folder["one"]]).Succeeded();
        Assert.Contains("4 images, those of part 1/2", Airml.Run([.. make, "-o", _folder["a"], "--shard", "1/2"]).Succeeded());
        Assert.IsFalse(File.Exists(_folder["a/contact-sheet.png"]));
        Airml.Run("merge", _folder["a"], "-o", _folder["all"]).Failed(1, "of these 6 only 4 are there");
        Assert.IsFalse(Directory.Exists(_folder["all"]));
        Airml.Run([.. make, "-o", _folder["b"], "--shard", "2/2"]).Succeeded();

        Assert.Contains("6 images, 6 of them copied", Airml.Run("merge", _folder["a"], _folder["b"], "-o", _folder["all"]).Succeeded());
        // Nothing is left to make: the run of all draws the contact sheet.
        Assert.Contains("0 images made", Airml.Run([.. make, "-o", _folder["all"]]).Error);
        Same(_folder["one"], _folder["all"]);

        Airml.Run([.. make, "-o", _folder["c"], "--shard", "2/2", "--seed", "7"]).Succeeded();
        Airml.Run("merge", _folder["a"], _folder["c"], "-o", _folder["bad"]).Failed(1, "another seed");
        // An image of another folder took the place of one that is missing.
        File.Move(_folder["b/images/dog/0000.png"], _folder["b/images/dog/0009.png"]);
        Airml.Run("merge", _folder["a"], _folder["b"], "-o", _folder["bad"]).Failed(1, "of these 6 only 5 are there");
        Directory.Move(_folder["b/images/dog"], _folder["b/images/zebra"]);
        Airml
            .Run("merge", _folder["a"], _folder["b"], "-o", _folder["bad"])
            .Failed(1, Path.Combine("images", "zebra"), "none of the folders of the 2 prompts");
        File.AppendAllText(_folder["all/images/cat/0000.png"], "x");
        Airml.Run("merge", _folder["all"], _folder["a"], "-o", _folder["bad"]).Failed(1, "differ");
        Assert.IsFalse(Directory.Exists(_folder["bad"]));
    }

    [TestMethod]
    public void DenseFeatures_OfTwoMachines_AreThoseOfOne()
    {
        var images = TinyData.Images(_folder["images"], 2);
        string[] embed = ["embed", images, "--clip", TinyData.MiniClip(), "--dense", "--threads", "1"];
        Airml.Run([.. embed, "-o", _folder["one"]]).Succeeded();
        Airml.Run([.. embed, "-o", _folder["a"], "--shard", "1/2"]).Succeeded();
        Airml.Run([.. embed, "-o", _folder["b"], "--shard", "2/2"]).Succeeded(); // so few images are one part: nothing is left
        Airml.Run("merge", _folder["b"], "-o", _folder["all"]).Failed(1, "nothing in");
        Airml.Run("merge", _folder["a"], _folder["b"], "-o", _folder["all"]).Succeeded();
        Same(_folder["one"], _folder["all"]);
    }

    [TestMethod]
    public void Predictions_OfTheParts_AreThoseOfOneRun()
    {
        var images = TinyData.Images(_folder["images"], 3);
        var classes = TinyData.Classes(_folder["classes.txt"], "red", "green", "blue");
        string[] adapt = ["adapt", images, "--classes", classes, "--clip", TinyData.MiniClip(), "--method", "zero-shot"];
        Airml.Run([.. adapt, "-o", _folder["model.zip"]]).Succeeded();
        string[] predict = ["predict", _folder["model.zip"], images, "--json"];
        var whole = Airml.Run(predict).Succeeded();
        string Part(int part) => Airml.Run([.. predict, "--shard", $"{part}/2"]).Succeeded();
        Assert.AreEqual(whole, Part(1) + Part(2));
        Airml.Run([.. predict, "--shard", "10/10"]).Succeeded();
        Airml.Run([.. predict, "--shard", "1/10"]).Failed(1, "Part 1/10 of the 9 images");
    }

    [TestMethod]
    public void RunsOfAnExperiment_AreSharedOut()
    {
        TinyClip.Create(_folder["clip"]);
        TinyData.Images(_folder["set/train"], 6, byClass: true);
        TinyData.Images(_folder["set/test"], 4, byClass: true);
        File.WriteAllText(
            _folder["file.json"],
            """
            { "name": "colours", "clip": "clip", "output": "out", "dataSets": [{ "name": "colours", "folder": "set" }],
              "methods": ["zero-shot", "fpl"], "seeds": [1, 2], "settings": { "epochs": 2, "batchSize": 8, "promptLength": 3, "warmUpEpochs": 1 } }
            """
        );
        for (var part = 1; part <= 3; part++)
        {
            Assert.Contains($"part {part}/3", Airml.Run("experiment", _folder["file.json"], "--shard", $"{part}/3").Succeeded());
            Assert.IsFalse(File.Exists(_folder["out/results.md"]));
        }

        Assert.HasCount(4, Directory.GetFiles(_folder["out/runs"], "*.json"));
        Airml.Run("merge", _folder["out/runs"], "-o", _folder["other/runs"]).Succeeded();
        Same(_folder["out/runs"], _folder["other/runs"]);
        var all = Airml.Run("experiment", _folder["file.json"]);
        Assert.Contains("| fpl | ", all.Succeeded());
        Assert.DoesNotContain("[4/4]", all.Error); // nothing was run again
    }

    private static ToolProcess Run((string Name, string Value)[] environment, params string[] arguments) =>
        Airml.Run(environment, arguments);

    private static void Same(string one, string other)
    {
        string[] Names(string folder) =>
            [
                .. Directory
                    .GetFiles(folder, "*", SearchOption.AllDirectories)
                    .Select(f => Path.GetRelativePath(folder, f))
                    .Order(StringComparer.Ordinal),
            ];
        CollectionAssert.AreEqual(Names(one), Names(other));
        foreach (var name in Names(one))
        {
            CollectionAssert.AreEqual(File.ReadAllBytes(Path.Combine(one, name)), File.ReadAllBytes(Path.Combine(other, name)), name);
        }
    }
}
