using AirMLNet.Experiments;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Experiments;

/// <summary><c>experiments/paper-table1.json</c> itself, on stand-ins for its data sets and models.</summary>
[TestClass]
public sealed class PaperTableTests
{
    private const int RunsOfASet = 46; // 8 methods of each kind of prompt under 3 paradigms, but CoOp and VPT under 2
    private static readonly TemporaryFolder Root = new();
    private static string s_home = "";

    [ClassInitialize]
    public static void LayOut(TestContext context)
    {
        s_home = Environment.GetEnvironmentVariable("AIRMLNET_HOME") ?? "";
        Environment.SetEnvironmentVariable("AIRMLNET_HOME", Root["home"]);
        PublishedSets.Write(Root["data"]);
        TinyModels.Copy(TinyModels.Clip, Root["models", "clip-vit-base-patch32"]);
        TinyModels.Copy(TinyModels.Diffusion, Root["models", "stable-diffusion-v1-4"]);
    }

    [ClassCleanup]
    public static void CleanUp()
    {
        Environment.SetEnvironmentVariable("AIRMLNET_HOME", s_home.Length > 0 ? s_home : null);
        Root.Dispose();
    }

    [TestMethod]
    public void TheWholeTable_IsMadeFromTheDataSetsAlone_AndTakenFromTheCacheAfterwards()
    {
        var file = Load("whole");
        var plans = new List<ExperimentStep>();
        Assert.HasCount(0, ExperimentRunner.Run(file, new() { DryRun = true, Step = plans.Add }));
        Assert.HasCount(5 * RunsOfASet, plans);
        Assert.IsTrue(plans.All(p => p.Plan!.Seconds > 0));
        var making = plans.Where(p => p.Plan!.Makes.Length > 0).ToList();
        Assert.IsTrue(making.All(p => p.Title.Contains("air-", StringComparison.Ordinal)));
        Assert.HasCount(5 * 3 * 2 * 3, making);
        Assert.Contains("LoRA of 2 steps on", making[0].Plan!.Makes);
        Assert.Contains("8 images in " + Root["home", "synthetic"], making[0].Plan!.Makes);
        Assert.IsFalse(Directory.Exists(Root["home"]));

        var notes = new List<string>();
        var results = ExperimentRunner.Run(file, new() { Note = notes.Add });
        Assert.HasCount(plans.Count, results);
        Assert.HasCount(5 * 3, notes.Where(n => n.Contains("synthetic images for", StringComparison.Ordinal)).ToList());
        Assert.HasCount(5 * 3, Directory.GetDirectories(Root["home", "synthetic"]));
        Assert.IsTrue(results.Where(r => r.Method.StartsWith("air", StringComparison.Ordinal)).All(r => r.Images[1] == 8));
        Assert.IsTrue(results.All(r => r.Device == "cpu"));
        var table = File.ReadAllText(Path.Combine(file.Output, "results.md"));
        foreach (var set in new[] { "RESISC45", "FGVCAircraft", "Flowers102", "EuroSAT", "DTD" })
        {
            Assert.Contains($"## {set}, text prompts", table);
            Assert.Contains($"## {set}, visual prompts", table);
        }
        Assert.Contains("(58.5)", table); // CoOp, RESISC45, ssl

        // Nothing is made or run again, though the seeds and the sets are asked for anew.
        notes.Clear();
        var known = new List<ExperimentStep>();
        var again = ExperimentRunner.Run(file, new() { Note = notes.Add, Step = known.Add });
        Assert.IsTrue(known.All(s => s.Known));
        Assert.HasCount(0, notes);
        Assert.AreEqual(results.Sum(r => r.Scores.Accuracy), again.Sum(r => r.Scores.Accuracy));
    }

    [TestMethod]
    public void SetsThatAreNotThere_AreNamedAtTheStart_AndLeftOutWhereThatIsAsked()
    {
        using var some = new TemporaryFolder();
        PublishedSets.Resisc(some["RESICS45"], train: 3, test: 1);
        var file = Load("missing", some, "paradigms=[\"ul\"]", "prompts=[\"text\"]", "methods=[\"zero-shot\"]");
        var e = Assert.ThrowsExactly<DirectoryNotFoundException>(() => ExperimentRunner.Run(file));
        Assert.Contains("4 of 5 data sets are not there: FGVCAircraft (in ", e.Message);
        Assert.Contains("--skip-missing", e.Message);
        Assert.IsFalse(Directory.Exists(file.Output));

        var notes = new List<string>();
        var results = ExperimentRunner.Run(file, new() { SkipMissing = true, Note = notes.Add });
        Assert.AreEqual("RESISC45", results.Single().DataSet);
        Assert.Contains("left out, not there: FGVCAircraft", notes.Single());
    }

    [TestMethod]
    public void ADamagedSet_StopsWhenItsTurnComes_AndWhatWasDoneBeforeStays()
    {
        using var some = new TemporaryFolder();
        PublishedSets.Write(some, train: 3, test: 1);
        File.WriteAllText(some["DTD", "train.txt"], "nothing");
        var file = Load("damaged", some, "paradigms=[\"ul\"]", "prompts=[\"text\"]", "methods=[\"zero-shot\"]");
        var done = new List<string>();
        var e = Assert.ThrowsExactly<InvalidDataException>(() =>
            ExperimentRunner.Run(file, new() { Step = s => done.AddRange(s.Result is null ? [] : [s.Result.DataSet]) })
        );
        Assert.Contains("train.txt: line 1", e.Message);
        CollectionAssert.AreEqual(new[] { "RESISC45", "FGVCAircraft", "Flowers102", "EuroSAT" }, done);
    }

    [TestMethod]
    public void MissingModels_AreNamedAtTheStart()
    {
        using var none = new TemporaryFolder();
        var file = ExperimentFile.Load(TestData.Experiment("paper-table1.json"), new() { Data = Root["data"], Models = none });
        var e = Assert.ThrowsExactly<DirectoryNotFoundException>(() => ExperimentRunner.Run(file));
        Assert.Contains("clip-vit-base-patch32", e.Message);
        Assert.Contains("stable-diffusion-v1-4", e.Message);
        var notes = new List<string>();
        var plans = new List<ExperimentStep>();
        ExperimentRunner.Run(
            file,
            new()
            {
                DryRun = true,
                Note = notes.Add,
                Step = plans.Add,
            }
        );
        Assert.HasCount(2, notes);
        Assert.HasCount(5 * 3 * RunsOfASet, plans);
    }

    [TestMethod]
    public void AGpuThatIsNotThere_StopsTheRun_UnlessTheProcessorMayTakeItsPlace()
    {
        var file = Load("gpu", null, "paradigms=[\"ul\"]", "prompts=[\"text\"]", "methods=[\"zero-shot\"]");
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => ExperimentRunner.Run(file, new() { Device = new(60) }));
        Assert.Contains("GpuDeviceId = 60", e.Message);
        var notes = new List<string>();
        Assert.HasCount(5, ExperimentRunner.Run(file, new() { Device = new(60, true), Note = notes.Add }));
        Assert.Contains("computing on the CPU", notes.Single());
    }

    // An untrained model finds one class in all images: only the rule that fills every class's places gives labels to learn from.
    private static ExperimentFile Load(string output, string? data = null, params string[] more) =>
        ExperimentFile.Load(
            TestData.Experiment("paper-table1.json"),
            new()
            {
                Data = data ?? Root["data"],
                Models = Root["models"],
                Settings =
                [
                    $"output={Root[output]}",
                    $"cache={Root[output, "runs"]}",
                    "seeds=[1]",
                    "shots=1",
                    "overrides={\"rounds\":2,\"epochs\":1,\"batchSize\":8,\"promptLength\":2,\"perClass\":2,\"warmUpEpochs\":0,"
                        + "\"selection\":\"Deferred\"}",
                    "synthesis={\"imagesPerClass\":2,\"shots\":2,\"training\":{\"steps\":2,\"batchSize\":2,\"lora\":{\"rank\":2}},"
                        + "\"generation\":{\"steps\":2,\"batchSize\":4}}",
                    .. more,
                ],
            }
        );
}
