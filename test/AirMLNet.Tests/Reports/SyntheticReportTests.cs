using AirMLNet.Recipes;
using AirMLNet.Reports;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Reports;

/// <summary>Photos, and synthetic images before and after LoRA.</summary>
[TestClass]
public sealed class SyntheticReportTests
{
    private static TemporaryFolder _root = null!;
    private static SynthesisFixture _fixture = null!;
    private static ITransformer _model = null!;

    [ClassInitialize]
    public static void Fit(TestContext _)
    {
        _root = new();
        _fixture = new(_root);
        foreach (var (work, tuned) in new[] { ("tuned", true), ("plain", false) })
        {
            // A context of its own, so that both have the same seed.
            var fixture = new SynthesisFixture(_root);
            fixture.Context.Transforms.DiffusionSynthesis(fixture.Options(work) with { FineTune = tuned }).Fit(fixture.Labelled());
        }

        var ml = _fixture.Context;
        var task = new AdaptationTask { ClipFolder = _fixture.ClipFolder, ClassNames = SynthesisFixture.Names };
        _model = Recipe.ZeroShot.Stages(ml, task).Fit(ml.Data.LoadFromImageFolder(Path.Combine(_root, "images")));
    }

    [ClassCleanup]
    public static void Delete() => _root.Dispose();

    [TestMethod]
    public void Images_before_LoRA_are_those_of_the_model_without_it()
    {
        var work = Copy("tuned");

        var sections = AdaptationReportTests.Parse(Report(work, _fixture.DiffusionFolder)).Descendants("section").ToArray();

        foreach (var name in SynthesisFixture.Names)
        {
            for (var i = 0; i < 4; i++)
            {
                var file = Path.Combine("images", name, $"000{i}.png");
                var before = File.ReadAllBytes(Path.Combine(work, "before", file));
                CollectionAssert.AreEqual(File.ReadAllBytes(Path.Combine(_root, "plain", file)), before, file);
                CollectionAssert.AreNotEqual(File.ReadAllBytes(Path.Combine(work, file)), before, file);
            }
        }

        var synthetic = sections.Single(s => s.Attribute("id")!.Value == "synthetic");
        string[] rows = [.. synthetic.Elements("p").Where(p => p.Attribute("class")?.Value == "row").Select(p => p.Value)];
        string[] made = [.. rows.Where(r => !r.StartsWith("Photos", StringComparison.Ordinal))];
        CollectionAssert.AreEqual(Enumerable.Repeat(new[] { "Before LoRA", "After LoRA" }, 3).SelectMany(r => r).ToArray(), made);
        Assert.HasCount(12, synthetic.Descendants("img").Where(i => i.Attribute("alt")!.Value.EndsWith("before LoRA", Ordinal)).ToArray());
        Assert.HasCount(12, synthetic.Descendants("img").Where(i => i.Attribute("alt")!.Value.EndsWith("after LoRA", Ordinal)).ToArray());
        Assert.Contains("12 synthetic images of 3 classes", synthetic.Value); // those before are not counted
    }

    [TestMethod]
    public void A_later_report_finds_them_as_long_as_they_belong_to_the_images()
    {
        var work = Copy("tuned");
        Assert.DoesNotContain("Before LoRA", Report(work).Html);
        var with = Report(work, _fixture.DiffusionFolder).Html;

        Assert.AreEqual(with, Report(work).Html);

        var manifest = Path.Combine(work, "synthesis.json");
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("\"seed\": \"", "\"seed\": \"1", Ordinal));
        Assert.DoesNotContain("Before LoRA", Report(work).Html);
    }

    [TestMethod]
    public void What_cannot_be_made_is_refused_with_the_reason()
    {
        Refused(Copy("plain"), _fixture.DiffusionFolder, "without LoRA");
        Refused(Copy("tuned"), TinyDiffusion.Write(Path.Combine(_root, "other"), TinyModels.Clip), "by another model");
        Refused(Path.Combine(Copy("tuned"), "images"), _fixture.DiffusionFolder, "synthesis.json");
        Refused(null, _fixture.DiffusionFolder, "no work folder");

        void Refused(string? work, string diffusion, string why) =>
            Assert.Contains(why, Assert.ThrowsExactly<InvalidDataException>(() => Report(work, diffusion)).Message);
    }

    private const StringComparison Ordinal = StringComparison.Ordinal;

    private static AdaptationReport Report(string? work, string? diffusion = null) =>
        AdaptationReport.Create(
            _fixture.Context,
            _model,
            Path.Combine(_root, "images"),
            new()
            {
                HeatMaps = 0,
                Embedded = 0,
                WorkFolder = work,
                DiffusionFolder = diffusion,
            }
        );

    private static string Copy(string name)
    {
        var copy = Path.Combine(_root, Path.GetRandomFileName());
        foreach (var file in Directory.EnumerateFiles(Path.Combine(_root, name), "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(copy, Path.GetRelativePath(Path.Combine(_root, name), file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return copy;
    }
}
