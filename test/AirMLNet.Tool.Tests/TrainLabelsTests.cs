using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary><c>airml train labels</c> and <c>airml embed --dense</c> as a user calls them.</summary>
[TestClass]
public sealed class TrainLabelsTests
{
    [TestMethod]
    public void CaptionsBecomeAModel_ThatPredictUses()
    {
        using var folder = new TemporaryFolder();
        TinyClip.WriteImages(folder["photos"], 4);
        File.WriteAllLines(folder["captions.txt"], ["a red thing and a blue one", "green", "blue"]);
        var classes = TinyData.Classes(folder["classes.txt"], "red", "green", "blue");
        string[] given =
        [
            "train",
            "labels",
            folder["captions.txt"],
            "--classes",
            classes,
            "--clip",
            TinyModels.Clip,
            "--epochs",
            "2",
            "-o",
        ];

        Airml.Run([.. given, folder["tai.zip"]]).Succeeded();
        Airml
            .Run([
                .. given,
                folder["t2i.zip"],
                "--diffusion",
                TinyModels.Diffusion,
                "--images-per-caption",
                "1",
                "--sampling-steps",
                "1",
                "--work",
                folder["work"],
            ])
            .Succeeded();

        Assert.HasCount(1, Directory.GetFiles(folder["work/features"], "*.f16"));
        foreach (var model in new[] { "tai.zip", "t2i.zip" })
        {
            var lines = Airml.Run("predict", folder[model], folder["photos"], "--json").Succeeded();
            Assert.HasCount(4, lines.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }

        // What names no class is as if it were not there, and is looked at once.
        File.WriteAllLines(folder["captions.txt"], ["rain", "a street", .. File.ReadLines(folder["captions.txt"])]);
        Airml.Run([.. given, folder["again.zip"]]).Succeeded();
        Assert.AreEqual(Predicted("tai.zip"), Predicted("again.zip"));

        string Predicted(string model) => Airml.Run("predict", folder[model], folder["photos"], "--json").Succeeded();
    }

    [TestMethod]
    public void WhatIsWrong_IsOneLine()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["captions.txt"], ["a cat"]);
        string[] given = ["train", "labels", folder["captions.txt"], "--clip", TinyModels.Clip, "-o", folder["m.zip"]];
        Airml.Run([.. given]).Failed(2, "--nouns", "--classes");
        Airml.Run([.. given, "--nouns", "coco", "--method", "t2i-pal"]).Failed(2, "--diffusion");
        Airml.Run([.. given, "--nouns", folder["none.txt"]]).Failed(1, "none.txt");
        File.WriteAllLines(folder["none.txt"], ["a quiet street", "rain"]);
        Airml
            .Run([.. given[..2], folder["none.txt"], .. given[3..], "--nouns", "coco"])
            .Failed(1, $"None of the 2 captions in '{folder["none.txt"]}' names a class");
        File.WriteAllText(folder["captions.json"], "{");
        Airml.Run([.. given[..2], folder["captions.json"], .. given[3..], "--nouns", "coco"]).Failed(1, "captions.json", "line 1");
        Assert.IsFalse(File.Exists(folder["m.zip"]));
    }

    [TestMethod]
    public void ShardsOfACache_AreMadeOneByOne()
    {
        using var folder = new TemporaryFolder();
        TinyClip.WriteImages(folder["photos"], 3);
        string[] given = ["embed", folder["photos"], "--clip", TinyModels.Clip, "--dense", "-o", folder["cache"], "--shard"];
        Assert.Contains("0 parts made now, 1 of 1 missing", Airml.Run([.. given, "2/2"]).Succeeded());
        var made = Airml.Run([.. given, "1/2"]);
        Assert.Contains("1 parts made now, 0 of 1 missing", made.Succeeded());
        Assert.Contains("3 images of 1 + 4 features of 24 in float16", made.Error);
        TinyClip.WriteImages(folder["photos"], 4);
        Airml.Run([.. given, "1/2"]).Failed(1, "another 'rows'");
    }
}
