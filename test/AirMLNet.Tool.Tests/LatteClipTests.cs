using System.Text.Json;
using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary>LatteCLIP and what it is compared with, as a user of the command has them.</summary>
[TestClass]
public sealed class LatteClipTests
{
    private static readonly TemporaryFolder Folder = new();

    private static string[] Basis => [Folder["photos"], "--classes", Folder["classes.txt"], "--clip", Folder["clip"]];

    private static string[] Short => ["--epochs", "1", "--batch", "6", "--lr", "1e-4"];

    [ClassInitialize]
    public static void LayOut(TestContext context)
    {
        TinyClip.Create(Folder["clip"]);
        TinyData.Images(Folder["photos"], perClass: 4);
        TinyData.Images(Folder["labelled"], perClass: 2, byClass: true);
        TinyData.Classes(Folder["classes.txt"]);
        var lines = new List<string>();
        foreach (var part in new[] { "photos", "labelled" })
        {
            foreach (var file in Directory.GetFiles(Folder[part], "*.png", SearchOption.AllDirectories))
            {
                var name = TinyData.ClassNames[Path.GetFileName(file)[0] - '0'];
                lines.Add(
                    JsonSerializer.Serialize(
                        new
                        {
                            image = file,
                            text = name,
                            group = name + " things",
                        }
                    )
                );
            }
        }
        File.WriteAllLines(Folder["texts.jsonl"], lines);
    }

    [ClassCleanup]
    public static void CleanUp() => Folder.Dispose();

    [TestMethod]
    public void ItIsFittedSavedAndEvaluated_AndTheTunedClipIsBesideIt()
    {
        var model = Folder["latte.zip"];
        Run(["adapt", .. Basis, "-o", model, "--method", "latteclip", "--captions", Folder["texts.jsonl"], .. Short]).Succeeded();
        Assert.IsTrue(File.Exists(Folder["latte-tuned", "clip", "config.json"]));
        Assert.Contains("%", Run(["evaluate", model, Folder["labelled"]]).Succeeded());
        // Another method starts from the tuned CLIP.
        string[] tuned = [Folder["photos"], "--classes", Folder["classes.txt"], "--clip", Folder["latte-tuned", "clip"]];
        Run(["adapt", .. tuned, "-o", Folder["second.zip"], "--method", "zero-shot"]).Succeeded();
    }

    [TestMethod]
    [DataRow("reclip", "")]
    [DataRow("flyp-pl", "--fixed-labels")]
    [DataRow("flyp-oracle", "--labels")]
    public void WhatItIsComparedWith_IsFittedToo(string method, string option)
    {
        var basis = Basis;
        basis[0] = option == "--labels" ? Folder["labelled"] : basis[0];
        string[] options = option.Length == 0 ? [] : [option];
        Run(["adapt", .. basis, "-o", Folder[method + ".zip"], "--method", method, .. options, .. Short]).Succeeded();
        Run(["predict", Folder[method + ".zip"], Folder["photos"]]).Succeeded();
    }

    [TestMethod]
    public void EverySwitchIsTaken()
    {
        string[] switches =
        [
            "--mix",
            "class,group",
            "--update",
            "paper",
            "--no-mixer",
            "--no-zero-shot-loss",
            "--no-momentum",
            "--group-size",
            "2",
            "--groups-per-class",
            "1",
            "--most-steps",
            "1",
            "--chunk",
            "3",
            "--share",
            "0.7",
            "--captioner",
            "attributes",
        ];
        var run = Run(["adapt", .. Basis, "-o", Folder["switches.zip"], "--method", "latteclip", .. switches, .. Short, "--verbose"]);
        run.Succeeded();
        Assert.Contains("0 texts of images and 3 of groups", Counted(run.Error));
        Assert.Contains("8 images, 1 steps of 6", run.Error);
        Assert.Contains("phrases chosen by CLIP itself", run.Error); // it says that it is circular

        // As many groups as classes have images by the zero-shot labels: at most three.
        static string Counted(string log) =>
            System.Text.RegularExpressions.Regex.Replace(log, "0 texts of images and [123] of groups", "0 texts of images and 3 of groups");
    }

    [TestMethod]
    public void AnEstimate_WritesAFewTexts_AndSaysHours()
    {
        string[] line = ["adapt", .. Basis, "-o", Folder["none.zip"], "--method", "latteclip", "--captioner", "attributes", "--estimate"];
        Assert.Contains("12 images: 16 texts are missing; 8 took", Run(line).Succeeded());
        Assert.IsFalse(File.Exists(Folder["none.zip"]));
        using var found = JsonDocument.Parse(Run([.. line, "--json"]).Succeeded());
        Assert.AreEqual(8, found.RootElement.GetProperty("missing").GetInt32());
    }

    [TestMethod]
    public void TextsOfShards_AreAllThatAFitNeeds()
    {
        using var home = new TemporaryFolder();
        ToolProcess InHome(params string[] line) => Airml.Run([("AIRMLNET_HOME", home.Path)], line);
        string[] line = ["adapt", .. Basis, "-o", Folder["shards.zip"], "--method", "latteclip", "--captioner", "attributes"];
        Assert.Contains("12 texts of part 1/2, 12 of them written now", InHome([.. line, "--texts-only", "--shard", "1/2"]).Succeeded());
        Assert.Contains("12 texts of part 2/2", InHome([.. line, "--texts-only", "--shard", "2/2"]).Succeeded());
        Assert.IsFalse(File.Exists(Folder["shards.zip"]));
        InHome([.. line, "--shard", "1/2"]).Failed(2, "--shard is for --texts-only");
        InHome(["adapt", .. Basis, "-o", Folder["shards.zip"], "--texts-only"]).Failed(2, "--texts-only is of the texts");

        var fit = InHome([.. line, .. Short, "--verbose"]);
        fit.Succeeded();
        Assert.Contains("12 texts of images and 12 of groups", fit.Error);
        Assert.Contains("CaptionSynthesis: 0 texts were written now", fit.Error);
    }

    [TestMethod]
    public void CompareScoresThem_AndAnAnswerWithoutAClassCountsAsWrong()
    {
        string[] line =
        [
            "compare",
            .. Basis,
            "--test",
            Folder["labelled"],
            "--methods",
            "zero-shot,latteclip,flyp-pl,reclip,lmm-zero-shot",
            "--seeds",
            "1",
            "--captions",
            Folder["texts.jsonl"],
            .. Short,
            "--json",
        ];
        using var found = JsonDocument.Parse(Run(line).Succeeded());
        var methods = found.RootElement.GetProperty("methods").EnumerateArray().ToDictionary(m => m.GetProperty("method").GetString()!);
        Assert.HasCount(5, methods);
        Assert.AreEqual(1, methods["lmm-zero-shot"].GetProperty("accuracies")[0].GetDouble());

        // Half of the test images get an answer that is no class.
        var lines = File.ReadAllLines(Folder["texts.jsonl"])
            .Select(l =>
                l.Contains("0.png", StringComparison.Ordinal) ? l : l.Replace("\"text\":\"", "\"text\":\"maybe ", StringComparison.Ordinal)
            );
        File.WriteAllLines(Folder["fewer.jsonl"], lines);
        line[Array.IndexOf(line, "--captions") + 1] = Folder["fewer.jsonl"];
        line[Array.IndexOf(line, "--methods") + 1] = "lmm-zero-shot";
        line = [.. line[..^(Short.Length + 1)], "--json"]; // it learns nothing
        using var half = JsonDocument.Parse(Run(line).Succeeded());
        Assert.AreEqual(0.5, half.RootElement.GetProperty("methods")[0].GetProperty("accuracies")[0].GetDouble());
    }

    [TestMethod]
    [DataRow(
        "latteclip",
        "",
        "needs texts: --captioner URL --captioner-model NAME, --captioner FOLDER, --captioner attributes, or --captions PATH"
    )]
    [DataRow("latteclip", "--captioner http://localhost:1/v1", "needs the name of its model")]
    [DataRow(
        "latteclip",
        "--captioner somewhere --captioner-model m",
        "expected 'attributes', the folder of a LLaVA, or a server's address"
    )]
    [DataRow("latteclip", "--captioner attributes --prompt visual", "learns no prompt")]
    [DataRow("latteclip", "--captioner attributes --labelled labelled", "takes no --labelled")]
    [DataRow("latteclip", "--captioner attributes --domain Flowers:", "--domain says how images are generated")]
    [DataRow("latteclip", "--captioner attributes --mix class,words", "--mix has 'words'")]
    [DataRow("lmm-zero-shot", "--captioner attributes", "'airml compare' scores it")]
    [DataRow("flyp-pl", "--captioner attributes", "--captioner is for methods that need texts")]
    [DataRow("grip", "--no-mixer", "--no-mixer changes nothing for grip")]
    [DataRow("latteclip", "--captioner attributes --mix class", "--captioner is of the texts about images and groups")]
    [DataRow("latteclip", "--captioner attributes --estimate --texts-only", "--estimate and --texts-only exclude each other")]
    [DataRow("reclip", "--data-set DTD", "--data-set says how images are generated")]
    [DataRow("zero-shot", "--labelled labelled", "--labelled is for methods that learn")]
    [DataRow("grip", "--estimate", "--estimate is of the texts")]
    [DataRow("flyp-oracle", "", "--labels says that the images lie in folders of their classes")]
    public void WhatDoesNotFit_IsNamed(string method, string options, string expected) =>
        Run(["adapt", .. Basis, "-o", Folder["no.zip"], "--method", method, .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)])
            .Failed(2, expected);

    private static ToolProcess Run(params string[] arguments) => Airml.Run([("AIRMLNET_HOME", Folder["home"])], arguments);
}
