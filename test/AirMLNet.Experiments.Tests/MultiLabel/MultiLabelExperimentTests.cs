using AirMLNet.Captions;
using AirMLNet.Experiments;
using AirMLNet.Images;
using AirMLNet.Testing;

namespace AirMLNet.Tests.MultiLabel;

[TestClass]
public sealed class MultiLabelExperimentTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void EveryReadyMadeFile_CanBeWalked()
    {
        string[] files = [.. Directory.GetFiles(Path.GetDirectoryName(TestData.Experiment("x"))!, "t2ipal-*.json")];
        Assert.IsGreaterThanOrEqualTo(10, files.Length);
        foreach (var path in files)
        {
            Assert.IsTrue(MultiLabelExperimentFile.Is(path), path);
            var file = MultiLabelExperimentFile.Load(path);
            List<string> said = [];
            new MultiLabelExperimentRunner(file, new() { DryRun = true }).Run(said.Add);
            Assert.HasCount(file.Methods.Count * file.DataSets.Count * file.Seeds.Count, said);
            // Published figures stand beside a method of the file.
            Assert.AreEqual(
                "",
                string.Join(", ", file.DataSets.SelectMany(s => s.Published.Keys).Distinct().Except(file.Methods.Select(m => m.Title))),
                path
            );
        }
    }

    [TestMethod]
    public void MethodsRun_AreKept_AndFusedInATable()
    {
        LayOut();
        var file = Load(
            """
            {"method": "zs-dense"}, {"method": "tai-dpt", "settings": SMALL}, {"method": "t2i-pal", "settings": SMALL},
            {"method": "dualcoop", "settings": SMALL, "knownLabels": 0.5},
            {"name": "fused", "method": "coop", "settings": SMALL, "ensembleWith": "t2i-pal"}
            """
        );
        List<string> said = [];
        var results = new MultiLabelExperimentRunner(file, new()).Run(said.Add);
        Assert.HasCount(5, results);
        Assert.IsTrue(results.All(r => r.Map is > 0 and <= 1 && r.PerClass.Count == 20));
        var table = File.ReadAllText(Path.Combine(file.Output, "results.md"));
        Assert.Contains("| zs-dense |", table);
        Assert.Contains("(12.5)", table);
        Assert.HasCount(4, Directory.GetFiles(Path.Combine(file.Output, "images"), "*.png", SearchOption.AllDirectories));

        // What is there is not run again.
        Directory.Delete(_folder["diffusion"], recursive: true);
        CollectionAssert.AreEqual(
            results.Select(r => r.Map).ToArray(),
            new MultiLabelExperimentRunner(Load(s_methods), new()).Run(_ => { }).Select(r => r.Map).ToArray()
        );
    }

    [TestMethod]
    public void AWrongFile_NamesWhatIsWrong()
    {
        Assert.Contains(
            "'zs'; expected one of zs-dense",
            Assert.ThrowsExactly<InvalidDataException>(() => Load("""{"method": "zs"}""")).Message
        );
        Assert.Contains(
            "'tai-dpt' is there twice",
            Assert.ThrowsExactly<InvalidDataException>(() => Load("""{"method": "tai-dpt"}, {"method": "tai-dpt"}""")).Message
        );
        Assert.Contains(
            "no method of the file",
            Assert.ThrowsExactly<InvalidDataException>(() => Load("""{"method": "coop", "ensembleWith": "x"}""")).Message
        );
        Assert.Contains(
            "epochs",
            Assert.ThrowsExactly<InvalidDataException>(() => Load("""{"method": "tai-dpt", "settings": {"epochs": "many"}}""")).Message
        );
        var file = Load("""{"method": "zs-dense"}""");
        Assert.Contains(
            "VOC2007 is not there",
            Assert.ThrowsExactly<DirectoryNotFoundException>(() => new MultiLabelExperimentRunner(file, new()).Run(_ => { })).Message
        );
    }

    private static string s_methods = "";

    private MultiLabelExperimentFile Load(string methods)
    {
        s_methods = methods;
        var path = _folder["experiment.json"];
        File.WriteAllText(
            path,
            $$"""
            { "experiment": "multi-label", "name": "small", "clip": "clip", "diffusion": "diffusion", "output": "out", "seeds": [1],
              "synthesis": { "generation": { "steps": 1 } },
              "dataSets": [{ "name": "VOC2007", "folder": "voc", "captions": "captions.txt", "nouns": "Voc2007", "published": { "zs-dense": 12.5 } }],
              "methods": [{{methods.Replace(
                "SMALL",
                """{ "epochs": 1, "warmUpEpochs": 0, "promptLength": 2, "templateTexts": false }""",
                StringComparison.Ordinal
            )}}] }
            """
        );
        return MultiLabelExperimentFile.Load(path);
    }

    private void LayOut()
    {
        TinyModels.Copy(TinyModels.Clip, _folder["clip"]);
        TinyModels.Copy(TinyModels.Diffusion, _folder["diffusion"]);
        File.WriteAllLines(_folder["captions.txt"], ["a cat and a dog", "nothing", "two buses", "a man on a horse"]);
        var random = new Random(1);
        foreach (var part in new[] { "trainval", "test" })
        {
            for (var i = 0; i < 6; i++)
            {
                ImageFile.SavePng(_folder[$"voc/JPEGImages/{part}{i}.jpg"], TinyClip.Picture(i, random));
            }
            foreach (var (name, c) in NounTable.Of(NounSet.Voc2007).ClassNames.Select((name, c) => (name, c)))
            {
                var list = _folder[$"voc/ImageSets/Main/{name}_{part}.txt"];
                Directory.CreateDirectory(Path.GetDirectoryName(list)!);
                File.WriteAllLines(list, Enumerable.Range(0, 6).Select(i => $"{part}{i} {(c % 6 == i ? 1 : -1)}"));
            }
        }
    }
}
