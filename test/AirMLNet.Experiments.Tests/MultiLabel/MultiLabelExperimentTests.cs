using System.Runtime.InteropServices;
using AirMLNet.Captions;
using AirMLNet.Data;
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

        // What is there is not run again: no run could read its captions or images now.
        File.Delete(_folder["captions.txt"]);
        Directory.Delete(_folder["voc/JPEGImages"], recursive: true);
        CollectionAssert.AreEqual(
            results.Select(r => r.Map).ToArray(),
            new MultiLabelExperimentRunner(Load(s_methods), new()).Run(_ => { }).Select(r => r.Map).ToArray()
        );
    }

    [TestMethod]
    public void OtherWeightsInTheSameFolder_AreRunAnew()
    {
        LayOut();
        var before = new MultiLabelExperimentRunner(Load("""{"method": "zs-dense"}"""), new()).Run(_ => { }).Single();
        var weights = Directory.GetFiles(_folder["clip"], "*.safetensors").Single();
        var bytes = File.ReadAllBytes(weights);
        // The last quarter of the file is numbers.
        MemoryMarshal.Cast<byte, float>(bytes.AsSpan(bytes.Length - (bytes.Length / 16 * 4))).Reverse();
        File.WriteAllBytes(weights, bytes);
        var after = new MultiLabelExperimentRunner(Load("""{"method": "zs-dense"}"""), new()).Run(_ => { }).Single();
        Assert.HasCount(2, Directory.GetFiles(Path.Combine(_folder["out"], "runs"), "*.json"));
        Assert.AreNotEqual(before.Map, after.Map);
    }

    [TestMethod]
    public void OfNovelClasses_NoTrainingLabelIsKnown_AndOnlyTheyAreScored()
    {
        LayOut();
        var methods = """{"method": "dualcoop", "settings": SMALL}""";
        var all = new MultiLabelExperimentRunner(Load(methods), new()).Run(_ => { }).Single();
        var novel = new MultiLabelExperimentRunner(Load(methods, """ "novelClasses": ["dog", "cat"],"""), new()).Run(_ => { }).Single();
        Assert.HasCount(20, all.PerClass);
        Assert.HasCount(2, novel.PerClass);
        var set = MultiLabelDataSets.Open("VOC2007", _folder["voc"]).WithUnknown(["dog", "cat"]);
        Assert.IsTrue(set.Train.All(i => float.IsNaN(i.Labels[set.Slots(["dog"])[0]]) && i.Labels.Count(float.IsNaN) == 2));
        Assert.IsTrue(set.Test.All(i => !i.Labels.Any(float.IsNaN)));
        Assert.Contains(
            "VOC2007 has no class 'ghost'",
            Assert
                .ThrowsExactly<InvalidDataException>(() =>
                    new MultiLabelExperimentRunner(Load(methods, """ "novelClasses": ["ghost"],"""), new()).Run(_ => { })
                )
                .Message
        );
    }

    [TestMethod]
    public void ImagesOfKnownQuality_StandInForGeneratedOnes()
    {
        LayOut();
        var captions = _folder["captions.csv"];
        File.WriteAllLines(
            captions,
            [
                "image,caption",
                .. Enumerable.Range(0, 6).Select(i => $"voc/JPEGImages/trainval{i}.jpg,a {(i % 2 == 0 ? "cat" : "dog")} number {i}"),
            ]
        );
        var own = CaptionedImage.Of(captions, 0, seed: 1);
        Assert.IsTrue(own.Index().All(p => p.Item.ImagePath.EndsWith($"trainval{p.Index}.jpg", StringComparison.Ordinal)));
        var half = CaptionedImage.Of(captions, 0.5, seed: 1);
        Assert.AreEqual(3, half.Zip(own).Count(p => p.First.ImagePath != p.Second.ImagePath));
        CollectionAssert.AreEquivalent(own.Select(o => o.ImagePath).ToArray(), half.Select(o => o.ImagePath).ToArray());

        File.WriteAllLines(_folder["captions.txt"], ["a cat", "a dog"]);
        Directory.Delete(_folder["diffusion"], recursive: true);
        Assert.Contains(
            "names no image",
            Assert.ThrowsExactly<InvalidDataException>(() => CaptionedImage.Of(_folder["captions.txt"], 0, seed: 1)).Message
        );
        var file = Load(
            """{"method": "images-alone", "settings": SMALL, "wrongImages": 0}, {"name": "half", "method": "t2i-pal", "settings": SMALL, "wrongImages": 0.5}"""
        );
        file = file with { DataSets = [file.DataSets[0] with { Captions = captions }], Cache = _folder["cache"] };
        var results = new MultiLabelExperimentRunner(file, new()).Run(_ => { });
        Assert.IsTrue(results.All(r => r.Map > 0));
        // What files may share is apart from what they found.
        CollectionAssert.AreEqual(new[] { "results.md" }, Directory.GetFileSystemEntries(file.Output).Select(Path.GetFileName).ToArray());
        Assert.HasCount(2, Directory.GetFiles(Path.Combine(_folder["cache"], "runs"), "*.json"));
        Assert.Contains(
            "'tai-dpt' generates no images",
            Assert.ThrowsExactly<InvalidDataException>(() => Load("""{"method": "tai-dpt", "wrongImages": 0}""")).Message
        );
    }

    [TestMethod]
    public void TheModalityGap_IsMeasured_WithTheAdapterWhereThereIsOne()
    {
        LayOut();
        var file = Load("""{"method": "tai-dpt", "settings": SMALL}, {"method": "t2i-pal", "settings": SMALL}""") with
        {
            ModalityGap = true,
        };
        var results = new MultiLabelExperimentRunner(file, new()).Run(_ => { });
        Assert.IsNull(results[0].Gap!.Adapted);
        Assert.IsTrue(results.All(r => r.Gap is { Captions: > -1 and < 1, Images: > -1 and < 1 }));
        // The adapter begins at the class names and pulls v towards what is nearly the class vector.
        Assert.IsGreaterThan(results[1].Gap!.Images, results[1].Gap!.Adapted!.Value);
        var table = File.ReadAllText(Path.Combine(file.Output, "results.md"));
        Assert.Contains("| | captions | test images | test images with adapter |", table);
        Assert.Contains("| – |", table);
    }

    [TestMethod]
    public void ASetOfOneLabelPerImage_IsScoredByItsHighestScore()
    {
        LayOut();
        var random = new Random(1);
        foreach (var (i, name) in new[] { "a", "a", "b", "b" }.Index())
        {
            ImageFile.SavePng(_folder[$"eurosat/2750/{name}/{i}.png"], TinyClip.Picture(i, random));
        }
        File.WriteAllText(
            _folder["eurosat/split_zhou_EuroSAT.json"],
            """{"train":[["a/0.png",0,"river"],["b/2.png",1,"forest"]],"val":[],"test":[["a/1.png",0,"river"],["b/3.png",1,"forest"]]}"""
        );
        File.WriteAllLines(_folder["captions.txt"], ["a river", "a forest by a river"]);
        var path = _folder["one.json"];
        File.WriteAllText(
            path,
            """
            { "experiment": "multi-label", "name": "one", "clip": "clip", "output": "out", "seeds": [1], "measure": "Top1",
              "dataSets": [{ "name": "EuroSAT", "folder": "eurosat", "captions": "captions.txt" }],
              "methods": [{"method": "zs-dense"}, {"method": "tai-dpt", "settings": { "epochs": 1, "warmUpEpochs": 0, "promptLength": 2 }}] }
            """
        );
        var file = MultiLabelExperimentFile.Load(path);
        List<string> said = [];
        var results = new MultiLabelExperimentRunner(file, new()).Run(said.Add);
        Assert.IsTrue(results.All(r => r.Top1 is 0 or 0.5 or 1), string.Join(", ", results.Select(r => r.Top1)));
        Assert.IsTrue(said.All(line => line.Contains("top-1", StringComparison.Ordinal)));
        Assert.Contains("Top-1 accuracy in per cent", File.ReadAllText(Path.Combine(file.Output, "results.md")));
        // Another class is right where the scores are the other way round.
        Assert.AreEqual(0.5, MultiLabelExperimentRunner.Top1([0.9f, 0.1f, 0.8f, 0.2f], [1, 0, 0, 1], 2));
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
        Assert.StartsWith(
            _folder["experiment.json"] + ": ",
            Assert
                .ThrowsExactly<InvalidDataException>(() => Load("""{"method": "zs-dense", "synthesis": {"imagesPerCaption": 0}}"""))
                .Message
        );
        var file = Load("""{"method": "zs-dense"}""");
        Assert.Contains(
            "VOC2007 is not there",
            Assert.ThrowsExactly<DirectoryNotFoundException>(() => new MultiLabelExperimentRunner(file, new()).Run(_ => { })).Message
        );
    }

    private static string s_methods = "";

    private MultiLabelExperimentFile Load(string methods, string ofTheSet = "")
    {
        s_methods = methods;
        var path = _folder["experiment.json"];
        File.WriteAllText(
            path,
            $$"""
            { "experiment": "multi-label", "name": "small", "clip": "clip", "diffusion": "diffusion", "output": "out", "seeds": [1],
              "synthesis": { "generation": { "steps": 1 } },
              "dataSets": [{ "name": "VOC2007",{{ofTheSet}} "folder": "voc", "captions": "captions.txt", "nouns": "Voc2007", "published": { "zs-dense": 12.5 } }],
              "methods": [{{methods.Replace(
                "SMALL",
                """{ "epochs": 1, "warmUpEpochs": 0, "promptLength": 2, "templateTexts": false, "imageSize": null }""",
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
